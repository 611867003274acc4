import { describe, expect, it } from "vitest";
import { bucketOf } from "../lib/histogram.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import { MemoryProber } from "../probes/drivers/memory.ts";
import { probeError } from "../probes/errors.ts";
import type { DatabaseReading } from "../probes/port.ts";
import { aStackService } from "../reconciler/world-support.ts";
import type { ReleaseId } from "../rollout/ids.ts";
import type { ObservedReplica, Runtime } from "../runtime/port.ts";
import type { Service } from "../stack/stack.ts";
import type { Store } from "../store/port.ts";
import { databaseServices } from "./database-services.ts";
import { databaseUse } from "./databases.ts";
import { SlowQueryBook } from "./slow-queries.ts";

const signal = AbortSignal.timeout(60_000);
const scope = { stack: "shop", environment: "production" };
const labels = { scope: "shop/production", service: "db", database: "orders" };
const run = (key: string, ms: number) => ({ key, text: "select pg_sleep(0.25)", ms });

function aDatabase(compose: Partial<Service["compose"]>, changes: Partial<Service> = {}): Service {
  const image = { image: "postgres:16", ...compose };
  const ports = [{ port: 5432, protocol: "tcp" as const }];
  return aStackService("db", { kind: "database", compose: image, ports, ...changes });
}

function world(service = aDatabase({})) {
  const clock = new ManualClock();
  const reader = new MemoryProber();
  const slowQueries = new SlowQueryBook();
  const logged: string[] = [];
  const [database] = databaseServices({ services: [service] });
  const replica = { scope, service: "db", state: "running", host: "db-1", portMap: {} };
  const secrets = { get: () => new TextEncoder().encode("from a file\n") };
  const gauge = databaseUse({
    clock,
    reader,
    slowQueries,
    random: () => 0,
    log: (_, text) => logged.push(text),
    store: { secrets: secrets as unknown as Store["secrets"] },
    runtime: { observe: async () => [replica as ObservedReplica] } as unknown as Runtime,
    facts: {
      all: () => [
        {
          ...{ scope, release: "rel_1" as ReleaseId, outside: [], routes: [], fileVersions: { pw: "1" } },
          databases: database ? [database] : [],
        },
      ],
    },
  });
  const read = async (reading: Partial<DatabaseReading>) => {
    reader.holds("db-1", [{ database: "orders", connections: 8, connectionsMax: 100, ...reading }]);
    clock.advance(30_000);
    return gauge.read(signal);
  };
  return { clock, reader, gauge, logged, slowQueries, read };
}

describe("databases", () => {
  it("R-183 show connections against the limit, the cache's share and the mean time of statements", async () => {
    const { read } = world(aDatabase({}, { connections: 10 }));
    const statements = { calls: 100, ms: 1000 };
    expect(await read({ cacheHit: 0.98512, statements })).toEqual([
      { metric: "database.connections", labels, value: 8 },
      { metric: "database.connections_max", labels, value: 10 },
      { metric: "database.cache_hit", labels, value: 0.9851 },
      { metric: "database.slow_queries", labels, increase: 0 },
    ]);
    const next = await read({ statements: { calls: 120, ms: 1900 } });
    expect(next).toContainEqual({ metric: "database.query_time", labels, histogram: { [bucketOf(45)]: 20 } });
    // Set back: nothing is known of meanwhile.
    const after = await read({ statements: { calls: 3, ms: 9 } });
    expect(after.map(({ metric }) => metric)).not.toContain("database.query_time");
  });

  it("R-184, R-194 list a slow statement once, without its literals, from the totals of the server", async () => {
    const { read, slowQueries } = world();
    const slow = (calls: number, ms: number, maxMs: number) => ({
      statements: { calls: 1000, ms: 1000 },
      slow: [{ key: "1", text: "select pg_sleep($1), 'ann'", calls, ms, maxMs }],
    });
    await read(slow(4, 900, 300));
    const samples = await read(slow(6, 1400, 300));
    expect(samples).toContainEqual({ metric: "database.slow_queries", labels, increase: 2 });
    expect(samples).toContainEqual({ metric: "database.slowest_query", labels, value: 0.25 });
    expect(await read(slow(7, 1450, 300))).toContainEqual(expect.objectContaining({ increase: 0 }));
    expect(await read(slow(9, 1950, 450))).toContainEqual(expect.objectContaining({ increase: 2 }));
    expect(slowQueries.list()).toEqual([
      expect.objectContaining({ text: "select pg_sleep(?), ?", calls: 4, meanMs: 250, maxMs: 250 }),
    ]);
  });

  it("R-194 count what was seen at 250 ms and not at 150 ms, each run once", async () => {
    const { read } = world();
    await read({ seen: [run("a", 900)] });
    const samples = await read({ seen: [run("a", 900), run("b", 250), run("c", 150)] });
    expect(samples).toContainEqual({ metric: "database.slow_queries", labels, increase: 1 });
    expect(samples).toContainEqual({
      metric: "database.query_time",
      labels,
      histogram: { [bucketOf(250)]: 1, [bucketOf(150)]: 1 },
    });
    // It went on running.
    const later = await read({ seen: [run("b", 250), run("c", 30_150)] });
    expect(later).toContainEqual({ metric: "database.slow_queries", labels, increase: 1 });
  });

  it("R-194 take the threshold of the database", async () => {
    const { read } = world(aDatabase({}, { slowQuerySeconds: 1 }));
    await read({ seen: [] });
    expect(await read({ seen: [run("b", 250)] })).toContainEqual(expect.objectContaining({ increase: 0 }));
  });

  it("tell once that they do not let themselves be asked", async () => {
    const { reader, clock, gauge, logged, read } = world();
    reader.holds("db-1", probeError("PROBE_REFUSED", "it does not take the password"));
    for (const _ of [1, 2]) {
      expect(await gauge.read(signal)).toEqual([]);
      clock.advance(30_000);
    }
    await read({});
    expect(logged).toEqual([
      "the statistics of shop/production/db can't be read: it does not take the password",
      "the statistics of shop/production/db are read again",
    ]);
  });
});

describe("credentials of databases", () => {
  const secrets = [{ source: "pw" }];
  it.each([
    [{ environment: { POSTGRES_PASSWORD: "a" } }, { password: { value: "a" }, user: { value: "postgres" } }],
    [{ environment: { POSTGRES_USER: "app" } }, { database: { value: "app" }, password: {} }],
    [{ environment: { POSTGRES_PASSWORD_FILE: "/run/secrets/pw" }, secrets }, { password: { secret: "pw" } }],
    [{ image: "redis:7", command: ["redis-server", "--requirepass", "b"] }, { password: { value: "b" } }],
    [
      {
        image: "valkey/valkey:8",
        command: ["sh", "-c", 'exec valkey-server --requirepass "$PW" --save ""'],
        environment: { PW: "c" },
      },
      { password: { value: "c" } },
    ],
    [{ image: "bitnami/redis:7", environment: { REDIS_PASSWORD: "d" } }, { password: { value: "d" } }],
  ])("%j", (compose, login) => {
    expect(databaseServices({ services: [aDatabase(compose)] })[0]).toMatchObject(login);
  });

  it("are not looked for where no statistics are read", () => {
    expect(databaseServices({ services: [aDatabase({ image: "mysql:8" })] })).toEqual([]);
  });
});
