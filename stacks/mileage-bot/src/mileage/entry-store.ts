import type { Database } from "../database/pool.ts";
import { type EntryChange, type StoredEntry, type SubmittedEntry, saysTheSame } from "./entry.ts";

const columns = `id, guild_id as "guildId", driver_id as "driverId", driver_name as "driverName",
  distance_m as "distanceM", driven_on as "drivenOn", note, source, stored_at as "storedAt",
  edited_at as "editedAt", edited_by as "editedBy"`;

export type InsertOutcome = { kind: "stored"; entry: StoredEntry; repeated: boolean } | { kind: "key-taken" };

export type Month = { entries: number; distanceM: number };

export class EntryStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Safe to repeat: the unique key decides, also when an earlier attempt was committed but never answered. */
  async insert(entry: SubmittedEntry): Promise<InsertOutcome> {
    const inserted = await this.#database.query<StoredEntry>(
      `insert into mileage_entries
         (guild_id, driver_id, driver_name, distance_m, driven_on, note, source, idempotency_key, accepted_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (guild_id, idempotency_key) do nothing
       returning ${columns}`,
      [
        entry.guildId,
        entry.driverId,
        entry.driverName,
        entry.distanceM,
        entry.drivenOn,
        entry.note,
        entry.source,
        entry.idempotencyKey,
        entry.acceptedAt,
      ],
    );
    if (inserted.rows[0]) return { kind: "stored", entry: inserted.rows[0], repeated: false };
    const known = await this.#database.query<StoredEntry>(
      `select ${columns} from mileage_entries where guild_id = $1 and idempotency_key = $2`,
      [entry.guildId, entry.idempotencyKey],
    );
    const before = known.rows[0];
    // An entry that was edited since still answers its own repetition.
    if (before && (before.editedAt !== null || saysTheSame(before, entry)))
      return { kind: "stored", entry: before, repeated: true };
    return { kind: "key-taken" };
  }

  /** Newest first; `before` is the id to go on from. */
  async list(guildId: string, limit: number, before?: string): Promise<StoredEntry[]> {
    const { rows } = await this.#database.query<StoredEntry>(
      `select ${columns} from mileage_entries
       where guild_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`,
      [guildId, before ?? null, limit],
    );
    return rows;
  }

  async change(
    guildId: string,
    id: string,
    change: EntryChange,
    by: string,
  ): Promise<StoredEntry | undefined> {
    const { rows } = await this.#database.query<StoredEntry>(
      `update mileage_entries
       set distance_m = coalesce($3, distance_m), driven_on = coalesce($4, driven_on), note = coalesce($5, note),
           edited_at = now(), edited_by = $6
       where guild_id = $1 and id = $2 returning ${columns}`,
      [guildId, id, change.distanceM ?? null, change.drivenOn ?? null, change.note ?? null, by],
    );
    return rows[0];
  }

  /** Sum of a driver's, or with `null` of everybody's, entries in `[from, to)`. */
  async sum(guildId: string, driverId: string | null, from: string, to: string): Promise<Month> {
    const { rows } = await this.#database.query<{ entries: number; distance: string }>(
      `select count(*)::int as entries, coalesce(sum(distance_m), 0)::bigint as distance from mileage_entries
       where guild_id = $1 and ($2::text is null or driver_id = $2) and driven_on >= $3 and driven_on < $4`,
      [guildId, driverId, from, to],
    );
    return { entries: rows[0]?.entries ?? 0, distanceM: Number(rows[0]?.distance ?? 0) };
  }
}
