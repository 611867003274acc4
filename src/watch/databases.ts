import type { Clock } from "../lib/clock.ts";
import { addHistograms, bucketOf, type Histogram } from "../lib/histogram.ts";
import { messageOf } from "../lib/platform-error.ts";
import type { DatabaseReader, DatabaseReading, DatabaseTarget } from "../probes/port.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { ObservedReplica } from "../runtime/port.ts";
import type { Store } from "../store/port.ts";
import type { Sample } from "../telemetry/port.ts";
import { CountedRuns, type SlowFound } from "./counted-runs.ts";
import type { Credential, DatabaseService } from "./database-services.ts";
import type { Gauge, WatchParts } from "./parts.ts";
import { Rounds } from "./rounds.ts";
import type { SlowQueryBook } from "./slow-queries.ts";
import type { ScopeFacts, StackFacts } from "./stack-facts.ts";

type Parts = Pick<WatchParts, "runtime" | "log"> & {
  store: Pick<Store, "secrets">;
  clock: Clock;
  facts: Pick<StackFacts, "all">;
  reader: DatabaseReader;
  slowQueries: SlowQueryBook;
  /** Between 0 and 1. @default Math.random */
  random?: () => number;
};

const everyMs = 30_000;
const limitMs = 6500;

type Wanted = { facts: ScopeFacts; database: DatabaseService };

/** What the databases of the stacks count about themselves: PostgreSQL and Redis, found by their images. */
export function databaseUse(parts: Parts): Gauge {
  const rounds = new Rounds<Sample[]>(parts.clock, { ...parts, width: 4 });
  const counted = new Map<string, CountedRuns>();
  const failing = new Set<string>();
  return {
    name: "databases",
    async read(signal) {
      let replicas: Promise<ObservedReplica[]> | undefined;
      const wanted = parts.facts
        .all()
        .flatMap((facts) =>
          facts.databases.map((database) => ({ facts, database, key: keyOf(facts.scope, database) })),
        );
      const keys = new Set(wanted.map(({ key }) => key));
      for (const key of counted.keys()) if (!keys.has(key)) counted.delete(key);
      const results = await rounds.pass(
        wanted.map(({ key, ...one }) => ({
          ...{ key, everyMs, limitMs },
          run: async (limit) => {
            replicas ??= parts.runtime.observe("all", limit);
            const runs = counted.get(key) ?? new CountedRuns();
            counted.set(key, runs);
            try {
              const samples = await readOne(parts, one, { replicas: await replicas, runs }, limit);
              if (failing.delete(key)) parts.log("info", `the statistics of ${key} are read again`);
              return samples;
            } catch (error) {
              limit.throwIfAborted();
              if (!failing.has(key))
                parts.log("warn", `the statistics of ${key} can't be read: ${messageOf(error)}`);
              failing.add(key);
              return [];
            }
          },
        })),
        signal,
      );
      return results.flat();
    },
  };
}

function keyOf(scope: Scope, { service }: DatabaseService): string {
  return `${scopeKey(scope)}/${service}`;
}

async function readOne(
  parts: Parts,
  { facts, database }: Wanted,
  known: { replicas: readonly ObservedReplica[]; runs: CountedRuns },
  signal: AbortSignal,
): Promise<Sample[]> {
  const { scope } = facts;
  const { service, kind, port } = database;
  const replica = known.replicas.find(
    (one) => scopeKey(one.scope) === scopeKey(scope) && one.service === service && one.state === "running",
  );
  // One that does not run has nothing to say; that it does not is told elsewhere.
  if (replica?.host === undefined) return [];
  const secret = (credential: Credential) => secretText(parts.store, facts, credential);
  const target: DatabaseTarget = {
    ...{ kind, host: replica.host, port: replica.portMap[port] ?? port },
    ...defined("user", secret(database.user)),
    ...defined("password", secret(database.password)),
    ...defined("database", secret(database.database)),
  };
  const slowMs = database.slowMs;
  const readings = await parts.reader.read(target, { slowMs }, signal);
  const at = parts.clock.now();
  return readings.flatMap((reading) => {
    const { slow, times } = known.runs.since(reading, slowMs);
    for (const run of slow)
      parts.slowQueries.note({ scope, service, database: reading.database, ...run }, at);
    return samplesOf(reading, { scope, database, slow, times });
  });
}

function defined<K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, string>);
}

function secretText(
  store: Parts["store"],
  { scope, fileVersions }: ScopeFacts,
  { value, secret }: Credential,
): string | undefined {
  const version = secret === undefined ? undefined : fileVersions[secret];
  if (secret === undefined || version === undefined) return value;
  const content = store.secrets.get(scope, secret, version);
  return content && new TextDecoder().decode(content).replace(/\r?\n$/, "");
}

type Measured = {
  scope: Scope;
  database: DatabaseService;
  slow: readonly SlowFound[];
  times: readonly { ms: number; calls: number }[];
};

function samplesOf(reading: DatabaseReading, { scope, database, slow, times }: Measured): Sample[] {
  const labels = { scope: scopeKey(scope), service: database.service, database: reading.database };
  const max = Math.min(reading.connectionsMax, database.connections ?? Number.POSITIVE_INFINITY);
  const histogram = times.reduce<Histogram>(
    (sum, { ms, calls }) => addHistograms(sum, { [bucketOf(ms)]: calls }),
    {},
  );
  const slowest = Math.max(0, ...slow.map(({ ms }) => ms));
  return [
    { metric: "database.connections", labels, value: reading.connections },
    ...(max > 0 ? [{ metric: "database.connections_max" as const, labels, value: max }] : []),
    ...(reading.cacheHit === undefined
      ? []
      : [{ metric: "database.cache_hit" as const, labels, value: Math.round(reading.cacheHit * 1e4) / 1e4 }]),
    ...(times.length === 0 ? [] : [{ metric: "database.query_time" as const, labels, histogram }]),
    {
      metric: "database.slow_queries",
      labels,
      increase: slow.reduce((sum, { calls }) => sum + calls, 0),
    },
    ...(slowest === 0
      ? []
      : [{ metric: "database.slowest_query" as const, labels, value: Math.round(slowest) / 1000 }]),
  ];
}
