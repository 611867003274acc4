import { inDependencyOrder } from "./bring-up.ts";
import type { DesiredService } from "./desired.ts";
import { drainOnce } from "./drain-once.ts";
import type { ReplicaView } from "./observed.ts";
import { isStopFirst, type RolloutInput, type ServiceView } from "./rollout-input.ts";
import { type Step, stepKey } from "./step.ts";
import type { Waves } from "./waves.ts";

/**
 * What to do with replicas that serve no longer. Inside the rollback window a routed side-by-side replica stays
 * warm; others stop but stay, so that going back is a start and not a build. Outside the window they are removed.
 */
export function retire(input: RolloutInput, views: readonly ServiceView[], waves: Waves): void {
  const wave = waves.end;
  for (const view of views) {
    for (const replica of view.others)
      retireOne(input, { desired: view.desired, stopped: view.desired.stopped }, replica, waves, wave);
  }
  retireOrphans(input, waves, wave);
}

/**
 * Dependents first: what a service needs stays until it has drained and stopped, databases until all others have, as
 * they were started. What has no such order goes side by side.
 */
function retireOrphans(input: RolloutInput, waves: Waves, from: number): void {
  const replicas = Map.groupBy(orphans(input), (replica) => replica.service);
  const known = (input.base?.services ?? []).filter((service) => replicas.has(service.name));
  const stoppedAt = new Map<string, number>();
  let othersAt = from;
  for (const { desired } of inDependencyOrder(known.map((service) => ({ desired: service }))).reverse()) {
    const dependents = known.filter(({ dependsOn }) => dependsOn.some((on) => on.service === desired.name));
    let wave = Math.max(from, ...dependents.map(({ name }) => stoppedAt.get(name) ?? from));
    if (desired.database) wave = Math.max(wave, othersAt);
    const ends = (replicas.get(desired.name) ?? []).map((replica) =>
      retireOne(input, { desired, stopped: false }, replica, waves, wave),
    );
    const end = Math.max(wave, ...ends);
    stoppedAt.set(desired.name, end);
    if (!desired.database) othersAt = Math.max(othersAt, end);
    replicas.delete(desired.name);
  }
  for (const replica of [...replicas.values()].flat())
    retireOne(input, { desired: undefined, stopped: false }, replica, waves, from);
}

/** Replicas of services that the target does not have. */
export function orphans(input: RolloutInput): ReplicaView[] {
  const names = new Set(input.target.services.map((service) => service.name));
  return input.observed.replicas.filter((replica) => !names.has(replica.service));
}

/** A replica's service, where it is known. */
type Owner = { desired: DesiredService | undefined; stopped: boolean };

/** Returns the first wave in which it has stopped. */
function retireOne(
  input: RolloutInput,
  owner: Owner,
  replica: ReplicaView,
  waves: Waves,
  from: number,
): number {
  const { service } = replica;
  const surplus = owner.desired?.revision === replica.revision && !owner.stopped;
  const kept = owner.stopped || (!surplus && (input.kept[service] ?? []).includes(replica.revision));
  const running = replica.state === "running";
  let wave = from;
  if (running && owner.desired && input.mode !== "steady") {
    wave = drainOnce(input, owner.desired, replica.id, waves, wave);
  }
  const staysWarm =
    kept && replica.ready && owner.desired !== undefined && canStayWarm(owner.desired) && !owner.stopped;
  const graceSeconds = owner.desired?.stopGraceSeconds ?? 10;
  const stop: Step = { kind: "stopReplica", service, replica: replica.id, graceSeconds };
  if ((running || mayComeBack(input, replica, stop)) && !staysWarm && !waves.has(stop))
    wave = waves.add(wave, stop);
  if (!kept) waves.add(wave, { kind: "removeReplica", service, replica: replica.id });
  return wave;
}

/** A runtime that restarts programs by itself would go on doing so with one that has just ended. */
function mayComeBack(input: RolloutInput, replica: ReplicaView, stop: Step): boolean {
  return input.mode !== "steady" && replica.restarts > 0 && !input.done.has(stepKey(stop));
}

/** Only what gets work through the edge is idle when the edge sends none. */
function canStayWarm(desired: DesiredService): boolean {
  return (
    desired.routed && !isStopFirst(desired) && desired.strategy !== "rolling" && desired.keepWarmSeconds > 0
  );
}
