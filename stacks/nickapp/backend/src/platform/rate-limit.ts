import type { NextFunction, Request, Response } from "express";
import { HttpError } from "./http-error.ts";
import { log } from "./log.ts";
import type { Redis } from "./redis.ts";

export type Limit = { name: string; most: number; windowMs: number };

/** Counted and dated in one step, so that a counter without an end cannot stay behind. */
const countScript = `
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('PTTL', KEYS[1])}`;

export type Count = { used: number; resetMs: number };

/** One more use of the key within the window, over all replicas. */
export async function count(redis: Redis, key: string, windowMs: number): Promise<Count> {
  const [used, resetMs] = (await redis.eval(countScript, {
    keys: [`rate:${key}`],
    arguments: [String(windowMs)],
  })) as [number, number];
  return { used, resetMs: Math.max(resetMs, 0) };
}

export async function enforce(redis: Redis, limit: Limit, key: string): Promise<Record<string, string>> {
  const { used, resetMs } = await count(redis, `${limit.name}:${key}`, limit.windowMs);
  const seconds = String(Math.ceil(resetMs / 1000));
  const headers = {
    "ratelimit-limit": String(limit.most),
    "ratelimit-remaining": String(Math.max(0, limit.most - used)),
    "ratelimit-reset": seconds,
  };
  if (used <= limit.most) return headers;
  throw new HttpError(429, "TOO_MANY_REQUESTS", `too many requests; again in ${seconds} s`, {
    ...headers,
    "retry-after": seconds,
  });
}

/** Per client address. Without Redis it lets requests pass: the edge still limits, and signed-in routes need Redis anyway. */
export function limitByAddress(redis: Redis, limit: Limit) {
  return async (request: Request, response: Response, next: NextFunction) => {
    try {
      response.set(await enforce(redis, limit, request.ip ?? "unknown"));
    } catch (error) {
      if (error instanceof HttpError) throw error;
      log("rate-limit.unavailable");
    }
    next();
  };
}
