import { createHash, randomBytes } from "node:crypto";
import { isAway } from "../database/failure.ts";
import type { Database } from "../database/pool.ts";

export type Session = { userId: string; userName: string; guildIds: readonly string[] };

type Known = { session: Session; at: number };

const longestHours = 12;
const trustMs = 2 * 60_000;
/** After a failure the database is not asked for so long. */
const awayMs = 2_000;
const mostKnown = 1_000;

/**
 * Short-lived sessions in PostgreSQL: they survive a restart, and deleting the row ends one. Only a hash of the
 * cookie's token is stored. While the database is away, a session that was valid within the last two minutes goes on.
 */
export class Sessions {
  readonly #database: Database;
  readonly #minutes: number;
  readonly #lastKnown = new Map<string, Known>();
  #awayUntil = 0;

  constructor(database: Database, minutes: number) {
    this.#database = database;
    this.#minutes = minutes;
  }

  /** Returns the token for the cookie. */
  async open(session: Session): Promise<string> {
    const token = randomBytes(32).toString("base64url");
    await this.#database.query("delete from sessions where expires_at < now()");
    await this.#database.query(
      `insert into sessions (token_hash, user_id, user_name, guild_ids, expires_at)
       values ($1, $2, $3, $4, now() + make_interval(mins => $5))`,
      [hashOf(token), session.userId, session.userName, session.guildIds, this.#minutes],
    );
    return token;
  }

  async find(token: string): Promise<Session | undefined> {
    const key = hashOf(token).toString("hex");
    const before = this.#trusted(key);
    // Each request would wait for its own timeout otherwise.
    if (before && Date.now() < this.#awayUntil) return before;
    try {
      const session = await this.#read(token);
      this.#lastKnown.delete(key);
      if (session) this.#remember(key, session);
      return session;
    } catch (error) {
      if (!isAway(error)) throw error;
      this.#awayUntil = Date.now() + awayMs;
      const known = this.#trusted(key);
      if (known) return known;
      throw error;
    }
  }

  async close(token: string): Promise<void> {
    this.#lastKnown.delete(hashOf(token).toString("hex"));
    await this.#database.query("delete from sessions where token_hash = $1", [hashOf(token)]);
  }

  #trusted(key: string): Session | undefined {
    const known = this.#lastKnown.get(key);
    return known && Date.now() - known.at < trustMs ? known.session : undefined;
  }

  async #read(token: string): Promise<Session | undefined> {
    const { rows } = await this.#database.query<Session & { stale: boolean }>(
      `select user_id as "userId", user_name as "userName", guild_ids as "guildIds",
              expires_at < now() + make_interval(mins => $2) - interval '1 minute' as stale
       from sessions where token_hash = $1 and expires_at > now()`,
      [hashOf(token), this.#minutes],
    );
    const found = rows[0];
    if (!found) return undefined;
    const { stale, ...session } = found;
    // Use prolongs it, at most once a minute and never past the longest life.
    if (stale)
      await this.#database.query(
        `update sessions set expires_at = least(now() + make_interval(mins => $2), created_at + make_interval(hours => $3))
         where token_hash = $1`,
        [hashOf(token), this.#minutes, longestHours],
      );
    return session;
  }

  #remember(key: string, session: Session): void {
    this.#lastKnown.set(key, { session, at: Date.now() });
    const oldest = this.#lastKnown.keys().next().value;
    if (this.#lastKnown.size > mostKnown && oldest !== undefined) this.#lastKnown.delete(oldest);
  }
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
