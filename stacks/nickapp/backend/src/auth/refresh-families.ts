import { createHmac, randomBytes } from "node:crypto";
import type { Redis } from "../platform/redis.ts";

export type Refreshed =
  | { kind: "rotated"; user: string; session: string; token: string }
  /** A token was used that had been replaced long before: somebody else holds a copy. */
  | { kind: "reused"; session: string }
  | { kind: "unknown" };

const lifetimeSeconds = 30 * 24 * 3600;
const graceMs = 5_000;

/** Checks and replaces the family's token in one step: of two parallel callers both see one and the same rotation. */
const rotateScript = `
local current = redis.call('HGET', KEYS[1], 'current')
if not current then return {'unknown'} end
local user = redis.call('HGET', KEYS[1], 'user')
if current == ARGV[1] then
  redis.call('HSET', KEYS[1], 'current', ARGV[2], 'previous', ARGV[1], 'rotatedAt', ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[5])
  redis.call('SADD', KEYS[2], ARGV[1])
  redis.call('EXPIRE', KEYS[2], ARGV[5])
  return {'rotated', user}
end
if redis.call('HGET', KEYS[1], 'previous') == ARGV[1]
  and tonumber(ARGV[3]) - tonumber(redis.call('HGET', KEYS[1], 'rotatedAt')) <= tonumber(ARGV[4]) then
  return {'rotated', user}
end
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then
  redis.call('DEL', KEYS[1], KEYS[2])
  return {'reused'}
end
return {'unknown'}`;

/**
 * Rotating refresh tokens. A family is one sign-in; each token works once, and its successor is derived from it with a
 * server secret, so a retry within the grace time gets the successor that the first attempt got. Redis holds keyed
 * hashes only: its contents sign nobody in, and losing them signs everybody out.
 */
export class RefreshFamilies {
  readonly #redis: Redis;
  readonly #secret: string;
  readonly #now: () => number;

  constructor(redis: Redis, secret: string, now: () => number = Date.now) {
    this.#redis = redis;
    this.#secret = secret;
    this.#now = now;
  }

  async begin(user: string): Promise<{ session: string; token: string }> {
    const session = randomBytes(16).toString("base64url");
    const token = `${session}.${randomBytes(32).toString("base64url")}`;
    await this.#redis
      .multi()
      .hSet(familyKey(session), { user, current: this.#hash(token) })
      .expire(familyKey(session), lifetimeSeconds)
      .exec();
    return { session, token };
  }

  async refresh(token: string): Promise<Refreshed> {
    const session = token.split(".")[0] ?? "";
    if (!/^[\w-]{22}$/.test(session)) return { kind: "unknown" };
    const next = `${session}.${this.#keyed("next", token)}`;
    const [kind, user] = (await this.#redis.eval(rotateScript, {
      keys: [familyKey(session), `${familyKey(session)}:used`],
      arguments: [
        this.#hash(token),
        this.#hash(next),
        String(this.#now()),
        String(graceMs),
        String(lifetimeSeconds),
      ],
    })) as [string, string?];
    if (kind === "rotated" && user) return { kind, user, session, token: next };
    return kind === "reused" ? { kind, session } : { kind: "unknown" };
  }

  async isAlive(session: string): Promise<boolean> {
    return (await this.#redis.exists(familyKey(session))) === 1;
  }

  async revoke(session: string): Promise<void> {
    await this.#redis.del([familyKey(session), `${familyKey(session)}:used`]);
  }

  #hash(token: string): string {
    return this.#keyed("hash", token);
  }

  #keyed(purpose: string, text: string): string {
    return createHmac("sha256", this.#secret).update(`${purpose}:${text}`).digest("base64url");
  }
}

const familyKey = (session: string) => `family:${session}`;
