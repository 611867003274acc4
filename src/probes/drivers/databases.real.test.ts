import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { statementText } from "../../policy/sql-text.ts";
import type { DatabaseTarget } from "../port.ts";
import { Servers } from "../server-support.ts";
import { NetworkDatabaseReader } from "./databases.ts";
import { RedisSession } from "./network/redis-session.ts";

const signal = AbortSignal.timeout(110_000);
const password = "h%ush; a $ecret";
const servers = await Servers.open();
const reader = new NetworkDatabaseReader();
let plain: DatabaseTarget;
let counting: DatabaseTarget;
let redis: DatabaseTarget;
const clients: pg.Client[] = [];

beforeAll(async () => {
  const environment = { POSTGRES_USER: "shop", POSTGRES_PASSWORD: password, POSTGRES_DB: "orders" };
  const ready = "pg_isready -U shop || exit 1";
  const login = { kind: "postgres" as const, user: "shop", password, database: "orders" };
  plain = { ...login, ...(await servers.start("plain", { image: "postgres:16" }, { environment, ready })) };
  const command = [
    "postgres",
    "-c",
    "shared_preload_libraries=pg_stat_statements",
    "-c",
    "max_connections=40",
  ];
  const loaded = { image: "postgres:16", command };
  counting = { ...login, ...(await servers.start("counting", loaded, { environment, ready })) };
  const cache = { image: "redis:7", command: ["redis-server", "--requirepass", password] };
  redis = { kind: "redis", password, ...(await servers.start("cache", cache, { ready: "redis-cli ping" })) };
});
afterAll(async () => {
  for (const client of clients) await client.end();
  await servers.close();
});

async function connected(target: DatabaseTarget): Promise<pg.Client> {
  const { host, port, user, database } = target;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  clients.push(client);
  return client;
}

const read = async (target: DatabaseTarget) => {
  const [first, ...rest] = await reader.read(target, { slowMs: 200 }, signal);
  if (!first) throw new Error("no reading");
  expect(rest).toEqual([]);
  return first;
};

describe("statistics of PostgreSQL (R-183, R-184, R-194)", () => {
  it("counts the connections of others against the limit, of the database where it has one", async () => {
    for (let index = 0; index < 8; index += 1) await connected(counting);
    expect(await read(counting)).toMatchObject({ database: "orders", connections: 8, connectionsMax: 40 });
    await clients[0]?.query("ALTER DATABASE orders CONNECTION LIMIT 10");
    expect(await read(counting)).toMatchObject({ connections: 8, connectionsMax: 10 });
  });

  it("tells the cache's share as the server counts it", async () => {
    const { cacheHit } = await read(counting);
    const client = await connected(counting);
    const sql = "select blks_hit, blks_read from pg_stat_database where datname = 'orders'";
    const [row] = (await client.query<{ blks_hit: string; blks_read: string }>(sql)).rows;
    const [hit, missed] = [Number(row?.blks_hit), Number(row?.blks_read)];
    expect(cacheHit).toBeCloseTo(hit / (hit + missed), 1);
  });

  it("sees statements that run or have just ended, where nothing counts them", async () => {
    const client = await connected(plain);
    await client.query("select pg_sleep(0.25), 'ann@example.com'");
    const { seen = [], slow, statements } = await read(plain);
    expect([slow, statements]).toEqual([undefined, undefined]);
    const found = seen.find(({ text }) => text.includes("pg_sleep"));
    expect(found?.ms).toBeGreaterThan(249);
    expect(found?.ms).toBeLessThan(600);
    expect(statementText(found?.text ?? "")).toBe("select pg_sleep(?), ?");
    // The same run under the same key, another run under another.
    const again = (await read(plain)).seen?.find(({ text }) => text.includes("pg_sleep"));
    expect(again?.key).toBe(found?.key);
    await client.query("select pg_sleep(0.25), 'ann@example.com'");
    const next = (await read(plain)).seen?.find(({ text }) => text.includes("pg_sleep"));
    expect(next?.key).not.toBe(found?.key);
  });

  it("counts statements and finds the slow ones where pg_stat_statements is loaded", async () => {
    const client = await connected(counting);
    await client.query("create extension pg_stat_statements");
    const before = await read(counting);
    await client.query("select pg_sleep(0.25), 'ann@example.com'");
    await client.query("select pg_sleep(0.15)");
    const { statements, slow, seen } = await read(counting);
    expect(seen).toBeUndefined();
    expect((statements?.ms ?? 0) - (before.statements?.ms ?? 0)).toBeGreaterThan(399);
    expect(slow).toHaveLength(1);
    expect(slow?.[0]).toMatchObject({ text: "select pg_sleep($1), $2", calls: 1 });
    expect(slow?.[0]?.maxMs).toBeGreaterThan(249);
  });

  it("refuses in words that hold no password", async () => {
    const wrong = reader.read({ ...plain, password: "other-secret" }, { slowMs: 200 }, signal);
    await expect(wrong).rejects.toMatchObject({
      code: "PROBE_REFUSED",
      message: "it does not take the password of the stack's file",
    });
  });
});

describe("statistics of Redis (R-183)", () => {
  it("counts connections, the share of keys found, commands, and the slow log without arguments", async () => {
    const session = await RedisSession.open({ ...redis, tls: false }, signal);
    await session.ask(["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    await session.ask(["SET", "ann@example.com", "1"]);
    await session.ask(["CONFIG", "SET", "slowlog-log-slower-than", "-1"]);
    for (const key of ["ann@example.com", "ann@example.com", "ann@example.com", "nobody"])
      await session.ask(["GET", key]);
    const reading = await read(redis);
    expect(reading).toMatchObject({ database: "redis", connections: 1, cacheHit: 0.75 });
    expect(reading.connectionsMax).toBeGreaterThan(100);
    expect(reading.statements?.calls).toBeGreaterThan(6);
    expect(reading.slow?.map(({ text }) => text)).toContain("SET …");
    expect(JSON.stringify(reading)).not.toContain("ann@");
    session.close();
  });

  it("refuses in words that hold no password", async () => {
    const wrong = reader.read({ ...redis, password: "other-secret" }, { slowMs: 200 }, signal);
    await expect(wrong).rejects.toMatchObject({ code: "PROBE_REFUSED" });
  });
});
