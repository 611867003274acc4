import type { DesiredRelease, DesiredService } from "./desired.ts";
import { type ReleaseId, type ReplicaId, type Revision, replicaId } from "./ids.ts";
import type { Observed, ReplicaView } from "./observed.ts";

/** Everything that the planner looks at. Same input, same plan. */
export type RolloutInput = {
  /**
   * `deploy`: the whole path with jobs, canary and smoke checks. `switch`: back to a release that ran before
   * (roll back, or return after a failure): shift first, no jobs, no canary. `steady`: nothing is being
   * deployed; repair drift and retire what is no longer kept. `down`: remove the stack, `volumes` only if asked.
   */
  mode: "deploy" | "switch" | "steady" | "down";
  removeVolumes?: boolean;
  target: DesiredRelease;
  /** What was current when the deployment began. */
  base?: DesiredRelease;
  /** The release that the store calls current. */
  current?: ReleaseId;
  observed: Observed;
  /** Keys of the steps that this deployment has finished, from its journal. */
  done: ReadonlySet<string>;
  /** The operator ended the canary with a pass. */
  promoted: boolean;
  /** Service -> revisions whose replicas outlive their release: inside a rollback window, or kept to be looked at. */
  kept: Readonly<Record<string, readonly Revision[]>>;
  /** Replicas that crashed and may not be started before that time (epoch ms). */
  notBefore: Readonly<Record<ReplicaId, number>>;
  now: number;
};

/** One service of the target as the planner sees it: its wanted replicas, and everything else that runs under its name. */
export type ServiceView = {
  desired: DesiredService;
  /** Ids that should exist, in order. */
  wanted: readonly ReplicaId[];
  /** Observed replicas by wanted id; missing ones are absent. */
  present: ReadonlyMap<ReplicaId, ReplicaView>;
  ready: readonly ReplicaId[];
  /** Replicas of other revisions, or beyond the wanted count. */
  others: readonly ReplicaView[];
  /** Others that have a share of new requests now. */
  serving: readonly ReplicaId[];
  allReady: boolean;
};

export function viewsOf(input: RolloutInput): ServiceView[] {
  const byService = Map.groupBy(input.observed.replicas, (replica) => replica.service);
  return input.target.services.map((desired) => viewOf(input, desired, byService.get(desired.name) ?? []));
}

function viewOf(input: RolloutInput, desired: DesiredService, mine: readonly ReplicaView[]): ServiceView {
  const count = desired.stopped || desired.oneShot ? 0 : desired.replicas;
  const wanted = Array.from({ length: count }, (_, index) =>
    replicaId(input.target.scope, desired.name, desired.revision, index + 1),
  );
  const present = new Map(mine.filter((r) => wanted.includes(r.id)).map((r) => [r.id, r]));
  const ready = wanted.filter((id) => present.get(id)?.ready);
  const others = mine.filter((replica) => !wanted.includes(replica.id));
  const routed = input.observed.routing[desired.name]?.targets ?? [];
  const serving = routed.filter((t) => t.weight > 0 && !wanted.includes(t.replica)).map((t) => t.replica);
  return { desired, wanted, present, ready, others, serving, allReady: ready.length === wanted.length };
}

/** Services of this kind can't have two generations side by side: the old one stops before the new one starts. */
export function isStopFirst(desired: DesiredService): boolean {
  return desired.strategy === "recreate" || desired.strategy === "singleton";
}

/** Replicas of another revision that run, with or without traffic. Surplus ones of the wanted revision do not count. */
export function liveOthers(view: ServiceView): readonly ReplicaView[] {
  return view.others.filter(
    (replica) => replica.state === "running" && replica.revision !== view.desired.revision,
  );
}

/** Replaced replica by replica: only what has traffic to hand over can roll. */
export function rolls(view: ServiceView): boolean {
  return view.desired.strategy === "rolling" && view.desired.routed && view.serving.length > 0;
}
