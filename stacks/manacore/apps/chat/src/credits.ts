import { Database } from "@manacore/platform/database";
import { count } from "@manacore/platform/metrics";
import { REDIS } from "@manacore/platform/tokens";
import { Inject, Injectable } from "@nestjs/common";
import type { Redis } from "ioredis";
import { type ChatSettings, SETTINGS } from "./settings.js";

const ttlSeconds = 300;

/**
 * A user's credits, read through `credits:{id}` in Redis for five minutes. The cached number only decides whether a
 * completion may begin; the database alone decides whether it is paid.
 */
@Injectable()
export class Credits {
  readonly #database: Database;
  readonly #redis: Redis;
  readonly #starting: number;

  constructor(
    @Inject(Database) database: Database,
    @Inject(REDIS) redis: Redis,
    @Inject(SETTINGS) settings: ChatSettings,
  ) {
    this.#database = database;
    this.#redis = redis;
    this.#starting = settings.STARTING_CREDITS;
  }

  async of(userId: string): Promise<number> {
    const cached = await this.#redis.get(keyOf(userId)).catch(ignored("read"));
    if (cached !== null && cached !== undefined) {
      count("credits_reads_total", "hit");
      return Number(cached);
    }
    count("credits_reads_total", "miss");
    const credits = await this.#read(userId);
    await this.#redis.set(keyOf(userId), credits, "EX", ttlSeconds).catch(ignored("write"));
    return credits;
  }

  /** To be called after the commit that changed them, never before. */
  async forget(userId: string): Promise<void> {
    await this.#redis.del(keyOf(userId)).catch(ignored("forget"));
  }

  async #read(userId: string): Promise<number> {
    const text = "SELECT credits FROM users WHERE id = $1";
    const [row] = await this.#database.query<{ credits: number }>("credits", text, [userId]);
    if (row) return row.credits;
    // The first visit to this application: the account exists in the auth service only.
    const insert =
      "INSERT INTO users (id, credits) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET id = $1 RETURNING credits";
    const [made] = await this.#database.query<{ credits: number }>("first visit", insert, [
      userId,
      this.#starting,
    ]);
    return made?.credits ?? 0;
  }
}

function keyOf(userId: string): string {
  return `credits:${userId}`;
}

/** Without the cache it is slower, not wrong. */
function ignored(what: string): (error: Error) => undefined {
  return (error) => {
    process.stderr.write(`credits cache, ${what}: ${error.message}\n`);
  };
}
