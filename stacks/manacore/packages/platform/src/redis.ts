import { Redis } from "ioredis";

/** A client that answers at once or fails: a request never waits for Redis to come back. */
export function connectRedis(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    commandTimeout: 1_000,
    connectTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2_000),
  });
  redis.on("error", (error) => process.stderr.write(`redis: ${error.message}\n`));
  return redis;
}
