import type { DesiredRelease } from "../rollout/desired.ts";
import type { ReplicaId, Scope } from "../rollout/ids.ts";
import type { ObservedReplica } from "../runtime/port.ts";
import type { HealthTracker } from "./health-tracker.ts";
import type { EngineParts } from "./parts.ts";

/** A wanted replica of a stack at rest fell ill, or is well again. What deployments stop is no news. */
export type HealthChange = {
  scope: Scope;
  service: string;
  replica: ReplicaId;
  kind: "down" | "ready";
  /** Since when, as far as the runtime knows. */
  at: number;
  /** `ended with exit code 1`, `GET … answered 503`. */
  reason: string;
  /** It ended, rather than only not answering. */
  ended: boolean;
  exitCode?: number;
  oomKilled: boolean;
};

type Known = {
  service: string;
  runs: boolean;
  ready: boolean;
  told: boolean;
  startedAt: number | undefined;
  exitedAt: number | undefined;
};

type Look = {
  target: DesiredRelease;
  replicas: ReadonlyMap<ReplicaId, ObservedReplica>;
  now: number;
};
type Listening = {
  parts: Pick<EngineParts, "onHealth">;
  tracker: Pick<HealthTracker, "isReady" | "reasonOf">;
};

/** Compares two looks at one stack at rest. Keeps as much as the stack has replicas. */
export class HealthNews {
  readonly #known = new Map<ReplicaId, Known>();

  tell({ parts, tracker }: Listening, look: Look): void {
    if (!parts.onHealth) return;
    for (const change of this.#changes(tracker, look))
      parts.onHealth({ ...change, scope: look.target.scope });
  }

  #changes(tracker: Listening["tracker"], look: Look): Unplaced[] {
    const wanted = wantedOf(look);
    const changes = [...wanted.values()].flatMap((replica) => this.#one(replica, tracker, look.now) ?? []);
    for (const [id, known] of this.#known) {
      if (wanted.has(id)) continue;
      const service = look.target.services.find(({ name }) => name === known.service);
      const isMissing = service && !service.stopped && service.replicas > countOf(wanted, known.service);
      // Only what nobody wants any more is forgotten without a word.
      if (isMissing && known.ready)
        changes.push(down(id, known.service, { reason: "it is gone", ended: true, at: look.now }));
      this.#known.delete(id);
    }
    return changes;
  }

  #one(replica: ObservedReplica, tracker: Listening["tracker"], now: number): Unplaced | undefined {
    const { id, service, startedAt, exitedAt } = replica;
    const before = this.#known.get(id);
    const runs = replica.state === "running";
    const ready = runs && tracker.isReady(id);
    const known: Known = { service, runs, ready, told: before?.told ?? false, startedAt, exitedAt };
    this.#known.set(id, known);
    if (hasEnded(replica, before)) {
      known.told = true;
      return down(id, service, {
        reason: endOf(replica),
        ended: true,
        at: exitedAt ?? now,
        oomKilled: replica.oomKilled,
        ...(replica.exitCode === undefined ? {} : { exitCode: replica.exitCode }),
      });
    }
    if (before?.ready === true && !ready && !known.told) {
      known.told = true;
      const reason = tracker.reasonOf(id)?.reason ?? "its probe fails";
      return down(id, service, { reason, ended: false, at: now });
    }
    if (!ready || !known.told) return undefined;
    known.told = false;
    return { ...down(id, service, { reason: "", ended: false, at: now }), kind: "ready" };
  }
}

type Unplaced = Omit<HealthChange, "scope">;

function down(
  replica: ReplicaId,
  service: string,
  facts: Pick<HealthChange, "reason" | "ended" | "at"> & Partial<Unplaced>,
): Unplaced {
  return { service, replica, kind: "down", oomKilled: false, ...facts };
}

function wantedOf({ target, replicas }: Look): Map<ReplicaId, ObservedReplica> {
  const wanted = [...replicas].filter(([, replica]) => {
    const service = target.services.find(({ name }) => name === replica.service);
    if (!service || service.stopped || service.oneShot) return false;
    return service.revision === replica.revision && replica.ordinal <= service.replicas;
  });
  return new Map(wanted);
}

function countOf(replicas: ReadonlyMap<ReplicaId, ObservedReplica>, service: string): number {
  return [...replicas.values()].filter((replica) => replica.service === service).length;
}

/** Also between two looks: it ended and was started again meanwhile. */
function hasEnded(replica: ObservedReplica, before: Known | undefined): boolean {
  if (!before) return replica.state === "exited";
  if (replica.state === "exited") return before.runs || before.exitedAt !== replica.exitedAt;
  return before.runs && before.startedAt !== undefined && before.startedAt !== replica.startedAt;
}

function endOf({ oomKilled, exitCode }: ObservedReplica): string {
  if (oomKilled) return "killed: out of memory";
  return exitCode === undefined ? "ended, exit code unknown" : `ended with exit code ${exitCode}`;
}
