import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { GuildConfig, GuildConfigs } from "../guild-config.ts";
import { log, reasonOf } from "../log.ts";
import type { EntryStore } from "../mileage/entry-store.ts";
import { renderAmount, renderDistance } from "../mileage/units.ts";
import type { RoleBoard } from "../role-board.ts";
import type { DailyRuns } from "./daily-runs.ts";
import { dueDay } from "./due.ts";

/** Sends one message; the nonce lets Discord drop a repetition within some minutes. Returns the message's id. */
export type PostMessage = (channelId: string, text: string, nonce: string) => Promise<string>;

export type PollerParts = {
  configs: Pick<GuildConfigs, "withDailies">;
  entries: Pick<EntryStore, "sum">;
  runs: DailyRuns;
  post: PostMessage;
  board: RoleBoard;
  now: () => Date;
};

/** Once a day and guild: fetches yesterday's mileage and posts it. What was done stands in the database. */
export class DailiesPoller {
  readonly #parts: PollerParts;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #looking = false;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  start(tickMs: number): void {
    this.#loop = this.#run(tickMs);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** One look at what is due; a look that overlaps another does nothing. */
  async look(): Promise<number> {
    if (this.#looking) return 0;
    this.#looking = true;
    try {
      let posts = 0;
      for (const config of await this.#parts.configs.withDailies()) {
        if (this.#stopping.signal.aborted) break;
        if (await this.#serve(config)) posts += 1;
      }
      this.#parts.board.set("dailies", "up");
      return posts;
    } finally {
      this.#looking = false;
    }
  }

  async #run(tickMs: number): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.look().catch((error) => {
        this.#parts.board.set("dailies", "degraded", reasonOf(error));
        log.warn("dailies look failed", { reason: reasonOf(error) });
      });
      await delay(tickMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #serve(config: GuildConfig): Promise<boolean> {
    const { runs, post, now } = this.#parts;
    const at = now();
    const day = dueDay(config.guildId, config.dailiesHour, at);
    if (day === undefined || config.dailiesChannelId === null) return false;
    if (!(await runs.claim(config.guildId, day, at))) return false;
    try {
      const text = await this.#summary(config, day);
      const messageId = await post(config.dailiesChannelId, text, nonceOf(config.guildId, day));
      await runs.posted(config.guildId, day, messageId, at);
      return true;
    } catch (error) {
      // The claim runs out by itself; one guild's trouble is not the others'.
      log.warn("daily post failed", { guildId: config.guildId, day, reason: reasonOf(error) });
      return false;
    }
  }

  async #summary(config: GuildConfig, day: string): Promise<string> {
    const yesterday = new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
    const { entries, distanceM } = await this.#parts.entries.sum(config.guildId, null, yesterday, day);
    const distance = renderDistance(distanceM, config.unit);
    const amount = renderAmount(distanceM, config.unit, config.rateCents, config.currency);
    return `Mileage of ${yesterday}: ${distance} in ${entries} drives (${amount}).`;
  }
}

/** At most 25 characters, and unique over all guilds of the bot, as Discord demands. */
function nonceOf(guildId: string, day: string): string {
  return createHash("sha256").update(`${guildId} ${day}`).digest("hex").slice(0, 24);
}
