import { hasNoTraffic, isFullyRouted, isToStart, startStep, waitStep } from "./bring-up.ts";
import { drainOnce } from "./drain-once.ts";
import type { ReplicaId } from "./ids.ts";
import { isStopFirst, liveOthers, type RolloutInput, rolls, type ServiceView } from "./rollout-input.ts";
import { type Step, stepKey } from "./step.ts";
import type { Waves } from "./waves.ts";
import { equalWeights, sameWeights, splitWeights } from "./weights.ts";

/**
 * Moves traffic to replicas that are proven ready: canaries step by step, rolling services replica by replica,
 * everything else in one cut-over, so that the stack changes as a whole.
 */
export function shiftTraffic(input: RolloutInput, views: readonly ServiceView[], waves: Waves): void {
  canaries(input, views, waves);
  for (const view of views.filter((v) => v.desired.strategy === "rolling")) roll(input, view, waves);
  const services = views
    .filter((view) => view.desired.routed && !isFullyRouted(input, view) && movesAtOnce(input, view))
    .map((view) => ({ service: view.desired.name, targets: equalWeights(view.wanted) }));
  if (services.length > 0) waves.add(waves.end, { kind: "cutOver", services });
}

/** Switch mode: what is warm and ready takes over first, without waiting for the rest of the stack. */
export function switchWarm(
  input: RolloutInput,
  views: readonly ServiceView[],
  waves: Waves,
): ReadonlySet<string> {
  const services = views
    .filter((view) => view.desired.routed && !isStopFirst(view.desired) && view.wanted.length > 0)
    .filter((view) => view.allReady && !isFullyRouted(input, view))
    .map((view) => ({ service: view.desired.name, targets: equalWeights(view.wanted) }));
  if (services.length > 0) waves.add(waves.end, { kind: "cutOver", services });
  return new Set(services.map((entry) => entry.service));
}

/** Rolling services move replica by replica, stop-first ones while they are switched, those without traffic at once when ready. */
function movesAtOnce(input: RolloutInput, view: ServiceView): boolean {
  if (view.wanted.length === 0) return true;
  return !rolls(view) && !isStopFirst(view.desired) && !hasNoTraffic(input, view);
}

function canaries(input: RolloutInput, views: readonly ServiceView[], waves: Waves): void {
  if (input.mode !== "deploy" || input.promoted) return;
  const active = views.filter((view) => view.desired.canary && view.serving.length > 0);
  const longest = Math.max(0, ...active.map((view) => view.desired.canary?.steps.length ?? 0));
  for (let index = 0; index < longest; index += 1) {
    const route = waves.end;
    for (const view of active) {
      const [shift, watch] = canaryStep(input, view, index);
      if (shift) waves.add(route, shift);
      if (watch) waves.add(route + 1, watch);
    }
  }
}

function canaryStep(
  input: RolloutInput,
  view: ServiceView,
  index: number,
): readonly [Step | undefined, Step | undefined] {
  const { canary, name, revision } = view.desired;
  const step = canary?.steps[index];
  if (!step) return [undefined, undefined];
  const { weight, forSeconds } = step;
  const watch: Step = { kind: "watchCanary", service: name, revision, stepIndex: index, weight, forSeconds };
  if (input.done.has(stepKey(watch))) return [undefined, undefined];
  const targets = splitWeights(view.wanted, view.serving, weight);
  const routed = input.observed.routing[name]?.targets ?? [];
  const isNext = !canary?.steps
    .slice(0, index)
    .some((earlier, i) => earlier && !input.done.has(stepKey({ ...watch, stepIndex: i })));
  if (isNext && sameWeights(routed, targets)) return [undefined, watch];
  return [{ kind: "route", service: name, targets }, watch];
}

/** One new replica at a time takes the place of an old one, which drains and stops before the next is started. */
function roll(input: RolloutInput, view: ServiceView, waves: Waves): void {
  const { desired, wanted, serving } = view;
  // Without an old one to replace, all were brought up side by side.
  if (!rolls(view) || wanted.length === 0 || isFullyRouted(input, view)) return;
  for (const old of liveOthers(view)) if (!serving.includes(old.id)) letGo(input, view, old.id, waves);
  const fresh = [...view.ready];
  let remaining = serving;
  const advance = () => {
    const staying = remaining.slice(
      Math.max(0, remaining.length - Math.max(0, wanted.length - fresh.length)),
    );
    const targets = equalWeights([...fresh, ...staying]);
    waves.add(waves.end, { kind: "route", service: desired.name, targets });
    for (const leaving of remaining.filter((id) => !staying.includes(id))) letGo(input, view, leaving, waves);
    remaining = staying;
  };
  const due = wanted.length - fresh.length;
  if (fresh.length > 0 && serving.length > Math.max(0, due)) advance();
  for (const id of wanted.filter((candidate) => !view.ready.includes(candidate))) {
    if (isToStart(input, view, id)) waves.add(waves.end, startStep(view, id));
    waves.add(waves.end, waitStep(view, id));
    fresh.push(id);
    advance();
  }
}

function letGo(input: RolloutInput, view: ServiceView, replica: ReplicaId, waves: Waves): void {
  const { name, stopGraceSeconds } = view.desired;
  drainOnce(input, view.desired, replica, waves, waves.end);
  waves.add(waves.end, { kind: "stopReplica", service: name, replica, graceSeconds: stopGraceSeconds });
}
