import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createClient } from "redis";
import { RefreshFamilies } from "../src/auth/refresh-families.ts";
import { count } from "../src/platform/rate-limit.ts";

const { REDIS_URL: url, REDIS_PASSWORD: password } = process.env;
const skip = url ? false : "needs a Redis at REDIS_URL";
const redis = createClient({ ...(url ? { url } : {}), ...(password ? { password } : {}) });
if (url) await redis.connect();
after(() => (url ? redis.close() : undefined));

test("a retry within five seconds gets the same successor; later it is a theft (R-248)", {
  skip,
}, async () => {
  let now = 1_000_000;
  const families = new RefreshFamilies(redis, "a-secret-for-tests", () => now);
  const { token, session } = await families.begin("ada");
  const first = await families.refresh(token);
  assert.equal(first.kind, "rotated");
  now += 4_000;
  assert.deepEqual(await families.refresh(token), first);
  now += 2_000;
  assert.deepEqual(await families.refresh(token), { kind: "reused", session });
  assert.equal(await families.isAlive(session), false);
});

test("an invented token ends nobody's session, and Redis holds no token (R-248)", { skip }, async () => {
  const families = new RefreshFamilies(redis, "a-secret-for-tests");
  const { token, session } = await families.begin("ada");
  assert.deepEqual(await families.refresh(`${session}.invented`), { kind: "unknown" });
  assert.equal(await families.isAlive(session), true);
  assert.doesNotMatch(
    JSON.stringify(await redis.hGetAll(`family:${session}`)),
    new RegExp(token.split(".")[1] ?? "-"),
  );
});

test("counters are shared and expire (R-310)", { skip }, async () => {
  const key = `test:${process.pid}:${Date.now()}`;
  const counts = await Promise.all(Array.from({ length: 10 }, () => count(redis, key, 60_000)));
  assert.deepEqual(
    counts.map(({ used }) => used).sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  const ttl = await redis.pTTL(`rate:${key}`);
  assert.ok(ttl > 0 && ttl <= 60_000);
});
