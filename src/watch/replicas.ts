import { scopeKey } from "../rollout/ids.ts";
import type { ObservedReplica, ReplicaStats } from "../runtime/port.ts";
import type { MetricName } from "../telemetry/metrics.ts";
import type { Labels, Sample } from "../telemetry/port.ts";
import type { Gauge, WatchParts } from "./parts.ts";

/** What is known of each replica: whose it is, and under which labels it is measured. */
export class ReplicaBook {
  readonly #parts: Pick<WatchParts, "store">;
  readonly #numbers = new Map<string, string>();
  #labels = new Map<string, Labels>();

  constructor(parts: Pick<WatchParts, "store">) {
    this.#parts = parts;
  }

  take(replicas: readonly ObservedReplica[]): void {
    const releases = new Set<string>(replicas.map(({ release }) => release));
    for (const known of this.#numbers.keys()) if (!releases.has(known)) this.#numbers.delete(known);
    this.#labels = new Map(
      replicas.map(({ id, scope, service, release }) => [
        id,
        { scope: scopeKey(scope), service, release: this.#numberOf(release), replica: id },
      ]),
    );
  }

  labelsOf(replica: string): Labels | undefined {
    return this.#labels.get(replica);
  }

  #numberOf(release: ObservedReplica["release"]): string {
    const known = this.#numbers.get(release);
    if (known !== undefined) return known;
    // Reading a release decodes its whole bundle: once is enough.
    const number = `${this.#parts.store.releases.get(release)?.number ?? 0}`;
    this.#numbers.set(release, number);
    return number;
  }
}

/** Restarts and ends for lack of memory, of every replica of the host. */
export function replicaLives({ runtime }: Pick<WatchParts, "runtime">, book: ReplicaBook): Gauge {
  /** Replica -> when it was last seen killed. */
  let kills: Map<string, number> | undefined;
  return {
    name: "replicas",
    async read(signal) {
      const replicas = await runtime.observe("all", signal);
      book.take(replicas);
      const before = kills;
      kills = new Map();
      const samples: Sample[] = [];
      for (const replica of replicas) {
        const labels = book.labelsOf(replica.id);
        if (!labels) continue;
        const last = before?.get(replica.id) ?? 0;
        const at = replica.oomKilled ? (replica.exitedAt ?? 1) : last;
        kills.set(replica.id, at);
        // What happened before the first look is not news.
        const increase = before && at !== last ? 1 : 0;
        samples.push(
          { metric: "replica.restarts", labels, value: replica.restarts },
          { metric: "replica.oom_kills", labels, increase },
        );
      }
      return samples;
    },
  };
}

/** What each running replica uses. */
export function replicaUse({ runtime }: Pick<WatchParts, "runtime">, book: ReplicaBook): Gauge {
  return {
    name: "use of the replicas",
    async read(signal) {
      const stats = await runtime.stats("all", signal);
      return stats.flatMap((sample) => {
        const labels = book.labelsOf(sample.replica);
        return labels ? samplesOf(sample, labels) : [];
      });
    },
  };
}

function samplesOf(stats: ReplicaStats, labels: Labels): Sample[] {
  const values: readonly [MetricName, number | undefined][] = [
    ["replica.cpu", Math.round(stats.cpu * 1000) / 1000],
    ["replica.memory", stats.memoryBytes],
    ["replica.memory_limit", stats.memoryLimitBytes],
    ["replica.disk_read", stats.diskReadBytes],
    ["replica.disk_write", stats.diskWriteBytes],
    ["replica.net_in", stats.networkInBytes],
    ["replica.net_out", stats.networkOutBytes],
  ];
  return values.flatMap(([metric, value]) => (value === undefined ? [] : [{ metric, labels, value }]));
}

/** Replicas that each service should have and has. */
export function serviceHealth({ engine }: Pick<WatchParts, "engine">): Gauge {
  return {
    name: "services",
    async read() {
      const scopes = await engine.list();
      return scopes.flatMap(({ scope, services }) =>
        services.flatMap(({ name, state, wanted, replicas }): Sample[] => {
          if (state === "completed" || state === "stopped") return [];
          const labels = { scope: scopeKey(scope), service: name };
          const ready = replicas.filter((replica) => replica.role === "current" && replica.ready).length;
          const up = state === "healthy" || state === "degraded" || ready > 0 ? 1 : 0;
          return [
            { metric: "service.wanted", labels, value: wanted },
            { metric: "service.ready", labels, value: ready },
            { metric: "service.up", labels, value: up },
          ];
        }),
      );
    },
  };
}
