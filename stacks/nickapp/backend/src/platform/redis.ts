import { createClient } from "redis";
import { log } from "./log.ts";
import type { Settings } from "./settings.ts";

export type Redis = ReturnType<typeof makeRedis>;

function makeRedis(settings: Settings) {
  return createClient({
    url: settings.REDIS_URL,
    password: settings.REDIS_PASSWORD,
    // Requests fail at once while Redis is away instead of piling up.
    disableOfflineQueue: true,
    socket: { connectTimeout: 3_000, reconnectStrategy: (retries) => Math.min(100 * 2 ** retries, 2_000) },
  });
}

/** Sessions, rate counters, pub/sub: nothing that cannot be lost. */
export async function openRedis(settings: Settings): Promise<Redis> {
  const redis = makeRedis(settings);
  let told = false;
  redis.on("error", (error: Error) => {
    if (!told) log("redis.lost", { message: error.message });
    told = true;
  });
  redis.on("ready", () => {
    if (told) log("redis.back");
    told = false;
  });
  await redis.connect();
  return redis;
}
