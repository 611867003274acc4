import type { ReleaseId, ReplicaId, Revision, Scope } from "../rollout/ids.ts";
import type { LogLine, LogQuery, ObservedReplica, Runtime } from "../runtime/port.ts";

export const scope: Scope = { stack: "shop", environment: "production" };

type Printed = Omit<LogLine, "replica" | "service">;

/** A host whose replicas print what a test tells them to; keeps it until the replica is removed, as runtimes do. */
export class PrintingHost implements Pick<Runtime, "observe" | "logs" | "watch"> {
  readonly #replicas = new Map<ReplicaId, { seen: ObservedReplica; lines: Printed[] }>();
  readonly #waiting = new Set<() => void>();
  readonly #watchers = new Set<() => void>();

  start(service: string, release = "rel_1"): ReplicaId {
    const id = `shop-production-${service}-abcdef0123-1` as ReplicaId;
    const seen: ObservedReplica = {
      ...{ id, scope, service, revision: "abcdef0123" as Revision, ordinal: 1 },
      ...{ release: release as ReleaseId, state: "running", startedAt: 1, oomKilled: false },
      ...{ restarts: 0, portMap: {} },
    };
    this.#replicas.set(id, { seen, lines: [] });
    this.#nudge();
    return id;
  }

  print(id: ReplicaId, ...lines: Printed[]): void {
    this.#replicas.get(id)?.lines.push(...lines);
    for (const wake of this.#waiting) wake();
  }

  end(id: ReplicaId): void {
    const replica = this.#replicas.get(id);
    if (replica) replica.seen = { ...replica.seen, state: "exited" };
    for (const wake of this.#waiting) wake();
    this.#nudge();
  }

  remove(id: ReplicaId): void {
    this.#replicas.delete(id);
    for (const wake of this.#waiting) wake();
    this.#nudge();
  }

  async observe(): Promise<ObservedReplica[]> {
    return [...this.#replicas.values()].map(({ seen }) => seen);
  }

  watch(onChange: () => void, signal: AbortSignal): void {
    this.#watchers.add(onChange);
    signal.addEventListener("abort", () => this.#watchers.delete(onChange), { once: true });
  }

  async *logs({ replica: id, since = 0 }: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    for (let at = 0; !signal.aborted; ) {
      const replica = id === undefined ? undefined : this.#replicas.get(id);
      if (!replica) return;
      const line = replica.lines[at];
      if (line) {
        at += 1;
        const { service } = replica.seen;
        if ((line.at ?? 0) >= since) yield { replica: replica.seen.id, service, ...line };
      } else if (replica.seen.state === "exited") return;
      else await this.#change(signal);
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #nudge(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
