import { drainOnce } from "./drain-once.ts";
import type { ReplicaId } from "./ids.ts";
import { isStopFirst, liveOthers, type RolloutInput, rolls, type ServiceView } from "./rollout-input.ts";
import { type Step, stepKey } from "./step.ts";
import type { Waves } from "./waves.ts";
import { equalWeights, sameWeights } from "./weights.ts";

/**
 * Brings every service of the target to life in dependency order: job, start, ready. Databases come before all who
 * do not carry them: files often leave that out, and a client that finds nobody at its start ends. Services that can't have two
 * generations side by side come last among those that allow it, because their switch is the only step that takes
 * something away before its replacement is proven.
 */
export function bringUp(input: RolloutInput, views: readonly ServiceView[], waves: Waves): void {
  const order = inDependencyOrder(views);
  const disruptive = new Set(
    order.filter((view) => needsSwitch(input, view)).map((view) => view.desired.name),
  );
  const late = new Set<string>();
  for (const view of order) {
    const waits = view.desired.dependsOn.some((dependency) => late.has(dependency.service));
    if (disruptive.has(view.desired.name) || waits) late.add(view.desired.name);
  }
  const schedule: Schedule = { waves, start: waves.end, readyAt: new Map(), databasesReady: 0 };
  for (const view of order.filter((v) => !late.has(v.desired.name))) bringUpOne(input, view, schedule);
  schedule.start = waves.end;
  for (const view of order.filter((v) => late.has(v.desired.name))) bringUpOne(input, view, schedule);
}

type Milestones = { started: number; ready: number };
type Schedule = {
  waves: Waves;
  start: number;
  readyAt: Map<string, Milestones>;
  /** When the databases seen so far are ready; what they depend on themselves was seen before them. */
  databasesReady: number;
};

function bringUpOne(input: RolloutInput, view: ServiceView, schedule: Schedule): void {
  const { waves, readyAt } = schedule;
  const { desired } = view;
  let wave = schedule.start;
  for (const dependency of desired.dependsOn) {
    const milestones = readyAt.get(dependency.service);
    if (milestones)
      wave = Math.max(wave, dependency.condition === "started" ? milestones.started : milestones.ready);
  }
  if (!desired.database) wave = Math.max(wave, schedule.databasesReady);
  for (const step of jobsOf(input, view)) wave = waves.add(wave, step);
  if (desired.oneShot) {
    readyAt.set(desired.name, { started: wave, ready: wave });
    return;
  }
  if (needsSwitch(input, view)) wave = takeDown(input, view, waves, wave);
  if (rolls(view)) return;
  const milestones = startAll(input, view, waves, wave);
  readyAt.set(desired.name, milestones);
  if (desired.database) schedule.databasesReady = Math.max(schedule.databasesReady, milestones.ready);
}

/** Start what is missing, wait for all, and give traffic at once to a service that has none yet. */
function startAll(input: RolloutInput, view: ServiceView, waves: Waves, from: number): Milestones {
  const { desired } = view;
  const missing = view.wanted.filter((id) => isToStart(input, view, id));
  const started = missing.length > 0 ? from + 1 : from;
  for (const id of missing) waves.add(from, startStep(view, id));
  const unready = view.wanted.filter((id) => !view.ready.includes(id));
  let ready = started;
  for (const id of unready) ready = waves.add(started, waitStep(view, id));
  if (desired.routed && view.wanted.length > 0 && (hasNoTraffic(input, view) || isStopFirst(desired))) {
    if (!isFullyRouted(input, view)) {
      ready = waves.add(ready, { kind: "route", service: desired.name, targets: equalWeights(view.wanted) });
    }
  }
  return { started, ready };
}

/** A replica that this deployment has started and that has ended since is not started again: waiting for it says why. */
export function isToStart(input: RolloutInput, view: ServiceView, id: ReplicaId): boolean {
  const replica = view.present.get(id);
  if (replica?.state === "running") return false;
  return !replica || !input.done.has(stepKey(startStep(view, id)));
}

/** Stop-first services: requests wait at the edge while the old replicas finish and stop. */
function takeDown(input: RolloutInput, view: ServiceView, waves: Waves, from: number): number {
  const { desired } = view;
  let wave = from;
  if (desired.routed && view.serving.length > 0) {
    wave = waves.add(wave, { kind: "hold", service: desired.name, holdSeconds: desired.holdSeconds });
  }
  let end = wave;
  for (const { id } of liveOthers(view)) {
    const drained = drainOnce(input, desired, id, waves, wave);
    const graceSeconds = desired.stopGraceSeconds;
    end = Math.max(
      end,
      waves.add(drained, { kind: "stopReplica", service: desired.name, replica: id, graceSeconds }),
    );
  }
  return end;
}

function jobsOf(input: RolloutInput, view: ServiceView): Step[] {
  const { desired } = view;
  if (input.mode !== "deploy" || input.current === input.target.release || desired.stopped) return [];
  const ranBefore = input.base?.services.some(
    (s) => s.name === desired.name && s.revision === desired.revision,
  );
  const job = (kind: "release" | "service", timeoutSeconds: number): Step => ({
    kind: "runJob",
    service: desired.name,
    revision: desired.revision,
    job: kind,
    timeoutSeconds,
  });
  const steps: Step[] = [];
  if (desired.releaseJob && !ranBefore) steps.push(job("release", desired.releaseJob.timeoutSeconds));
  if (desired.oneShot && !ranBefore) steps.push(job("service", desired.readyTimeoutSeconds));
  return steps.filter((step) => !input.done.has(stepKey(step)));
}

export function needsSwitch(input: RolloutInput, view: ServiceView): boolean {
  return isStopFirst(view.desired) && liveOthers(view).length > 0 && input.mode !== "steady";
}

export function startStep(view: ServiceView, id: ReplicaId): Step {
  const ordinal = view.wanted.indexOf(id) + 1;
  const { name, revision } = view.desired;
  return { kind: "startReplica", service: name, revision, ordinal, replica: id };
}

export function waitStep(view: ServiceView, id: ReplicaId): Step {
  const timeoutSeconds = view.desired.readyTimeoutSeconds;
  return { kind: "waitReady", service: view.desired.name, replica: id, timeoutSeconds };
}

export function hasNoTraffic(input: RolloutInput, view: ServiceView): boolean {
  const targets = input.observed.routing[view.desired.name]?.targets ?? [];
  return !targets.some((target) => target.weight > 0);
}

/** The edge sends new requests to exactly the wanted replicas, evenly. */
export function isFullyRouted(input: RolloutInput, view: ServiceView): boolean {
  const routing = input.observed.routing[view.desired.name];
  const active = (routing?.targets ?? []).filter((target) => target.weight > 0);
  if (routing?.hold) return false;
  return active.length === view.wanted.length && sameWeights(active, equalWeights(view.wanted));
}

/** Dependencies before dependents; services of equal rank: databases first, then by name. The loader has refused cycles. */
export function inDependencyOrder<T extends Pick<ServiceView, "desired">>(views: readonly T[]): T[] {
  const named = new Map(views.map((view) => [view.desired.name, view]));
  const ordered: T[] = [];
  const seen = new Set<string>();
  const visit = (view: T) => {
    if (seen.has(view.desired.name)) return;
    seen.add(view.desired.name);
    for (const dependency of view.desired.dependsOn) {
      const next = named.get(dependency.service);
      if (next) visit(next);
    }
    ordered.push(view);
  };
  const byName = (a: T, b: T) => (a.desired.name < b.desired.name ? -1 : 1);
  const ranked = [...views].sort(
    (a, b) => Number(b.desired.database) - Number(a.desired.database) || byName(a, b),
  );
  for (const view of ranked) visit(view);
  return ordered;
}
