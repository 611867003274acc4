import { HttpException } from "@nestjs/common";
import type { Response } from "express";
import type { Redis } from "ioredis";

export type Limit = { name: string; max: number; windowSeconds: number };
export type Budget = { allowed: boolean; limit: number; remaining: number; resetSeconds: number };

/** Count and expiry in one step: a crash between them would leave a counter that never expires. */
const script = `
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {used, redis.call('TTL', KEYS[1])}`;

/** Fixed windows in Redis under `rl:<limit>:<who>`, shared by all replicas. */
export class RateLimiter {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async take(limit: Limit, who: string): Promise<Budget> {
    const answer = (await this.#redis.eval(script, 1, keyOf(limit, who), limit.windowSeconds)) as [
      number,
      number,
    ];
    const [used, resetSeconds] = answer;
    return {
      allowed: used <= limit.max,
      limit: limit.max,
      remaining: Math.max(0, limit.max - used),
      resetSeconds,
    };
  }

  async forget(limit: Limit, who: string): Promise<void> {
    await this.#redis.del(keyOf(limit, who));
  }

  /** Takes one and tells the client what is left; throws 429. Without Redis there is no limit, rather than no service. */
  async enforce(limit: Limit, who: string, response: Response): Promise<void> {
    const budget = await this.take(limit, who).catch((error: Error) => {
      process.stderr.write(`rate limit ${limit.name} not enforced: ${error.message}\n`);
    });
    if (!budget) return;
    response.setHeader("RateLimit-Limit", budget.limit);
    response.setHeader("RateLimit-Remaining", budget.remaining);
    response.setHeader("RateLimit-Reset", budget.resetSeconds);
    if (budget.allowed) return;
    response.setHeader("Retry-After", budget.resetSeconds);
    throw new HttpException(
      { error: "RATE_LIMITED", message: `Too many requests; wait ${budget.resetSeconds} s.` },
      429,
    );
  }
}

function keyOf(limit: Limit, who: string): string {
  return `rl:${limit.name}:${who}`;
}
