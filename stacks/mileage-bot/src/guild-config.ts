import { z } from "zod";
import { isAway } from "./database/failure.ts";
import type { Database } from "./database/pool.ts";
import { log } from "./log.ts";

export const guildSettingsSchema = z.strictObject({
  unit: z.enum(["km", "mi"]),
  rateCents: z.number().int().min(0).max(10_000),
  currency: z.string().regex(/^[A-Z]{3}$/, "must be a currency like EUR"),
  dailiesEnabled: z.boolean(),
  dailiesHour: z.number().int().min(0).max(23),
  dailiesChannelId: z
    .string()
    .regex(/^\d{1,20}$/, "must be a channel id")
    .nullable(),
});
export type GuildSettings = z.output<typeof guildSettingsSchema>;
export type GuildConfig = GuildSettings & {
  guildId: string;
  name: string;
  version: number;
  updatedBy: string;
};

const columns = `guild_id as "guildId", name, unit, rate_cents as "rateCents", currency,
  dailies_enabled as "dailiesEnabled", dailies_hour as "dailiesHour", dailies_channel_id as "dailiesChannelId",
  version, updated_by as "updatedBy"`;

const defaults = {
  unit: "km",
  rateCents: 30,
  currency: "EUR",
  dailiesEnabled: false,
  dailiesHour: 7,
  dailiesChannelId: null,
} as const satisfies GuildSettings;

/** What each guild has set. The bot reads it for every command, so a change in the dashboard holds from the next one on. */
export class GuildConfigs {
  readonly #database: Database;
  readonly #lastKnown = new Map<string, GuildConfig>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The bot sees this guild: it gets a row, and its present name. */
  async meet(guildId: string, name: string): Promise<void> {
    await this.#database.query(
      `insert into guild_config (guild_id, name) values ($1, $2)
       on conflict (guild_id) do update set name = excluded.name`,
      [guildId, name],
    );
  }

  async find(guildId: string): Promise<GuildConfig | undefined> {
    const { rows } = await this.#database.query<GuildConfig>(
      `select ${columns} from guild_config where guild_id = $1`,
      [guildId],
    );
    if (rows[0]) this.#lastKnown.set(guildId, rows[0]);
    return rows[0];
  }

  /** For the bot: while the database is away, what was last known is better than no answer. */
  async forReply(guildId: string): Promise<GuildConfig> {
    const fallback = { ...defaults, guildId, name: guildId, version: 0, updatedBy: "bot" };
    try {
      return (await this.find(guildId)) ?? fallback;
    } catch (error) {
      if (!isAway(error)) throw error;
      log.warn("guild settings from memory: the database is away", { guildId });
      return this.#lastKnown.get(guildId) ?? fallback;
    }
  }

  async listOf(guildIds: readonly string[]): Promise<GuildConfig[]> {
    const { rows } = await this.#database.query<GuildConfig>(
      `select ${columns} from guild_config where guild_id = any($1) order by name`,
      [guildIds],
    );
    return rows;
  }

  async withDailies(): Promise<GuildConfig[]> {
    const { rows } = await this.#database.query<GuildConfig>(
      `select ${columns} from guild_config where dailies_enabled and dailies_channel_id is not null`,
    );
    return rows;
  }

  /** `undefined` when somebody else has saved since `version` was read. */
  async save(
    guildId: string,
    settings: GuildSettings,
    version: number,
    by: string,
  ): Promise<GuildConfig | undefined> {
    const { rows } = await this.#database.query<GuildConfig>(
      `update guild_config
       set unit = $3, rate_cents = $4, currency = $5, dailies_enabled = $6, dailies_hour = $7,
           dailies_channel_id = $8, version = version + 1, updated_at = now(), updated_by = $9
       where guild_id = $1 and version = $2 returning ${columns}`,
      [
        guildId,
        version,
        settings.unit,
        settings.rateCents,
        settings.currency,
        settings.dailiesEnabled,
        settings.dailiesHour,
        settings.dailiesChannelId,
        by,
      ],
    );
    if (rows[0]) this.#lastKnown.set(guildId, rows[0]);
    return rows[0];
  }
}
