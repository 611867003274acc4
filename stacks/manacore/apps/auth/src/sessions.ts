import { createHash, randomBytes } from "node:crypto";
import { REDIS } from "@manacore/platform/tokens";
import { Inject, Injectable } from "@nestjs/common";
import type { Redis } from "ioredis";
import { z } from "zod";
import { type AuthSettings, SETTINGS } from "./settings.js";

const sessionSchema = z.object({ accountId: z.uuid(), appId: z.string() });
export type Session = z.infer<typeof sessionSchema>;

/** Sessions in Redis under `sess:<hash of the refresh token>`; losing them means signing in again, nothing more. */
@Injectable()
export class Sessions {
  readonly #redis: Redis;
  readonly #seconds: number;

  constructor(@Inject(REDIS) redis: Redis, @Inject(SETTINGS) settings: AuthSettings) {
    this.#redis = redis;
    this.#seconds = settings.SESSION_SECONDS;
  }

  /** The refresh token of a new session; only its hash is kept. */
  async open(session: Session): Promise<string> {
    const token = randomBytes(32).toString("base64url");
    await this.#redis.set(keyOf(token), JSON.stringify(session), "EX", this.#seconds);
    return token;
  }

  async find(token: string): Promise<Session | undefined> {
    return parse(await this.#redis.get(keyOf(token)));
  }

  /** Reads and ends in one step: a refresh token works once. */
  async take(token: string): Promise<Session | undefined> {
    return parse(await this.#redis.getdel(keyOf(token)));
  }
}

function keyOf(token: string): string {
  return `sess:${createHash("sha256").update(token).digest("base64url")}`;
}

function parse(text: string | null): Session | undefined {
  return text === null ? undefined : sessionSchema.parse(JSON.parse(text));
}
