import { inDependencyOrder, isFullyRouted, startStep } from "./bring-up.ts";
import { isStopFirst, liveOthers, type RolloutInput, type ServiceView } from "./rollout-input.ts";
import type { Waves } from "./waves.ts";
import { equalWeights } from "./weights.ts";

/**
 * Drift of a release that is already current: starts what died (not before its back-off has passed), sends traffic
 * only to replicas that are ready, and keeps the last routing when none is, so that the edge can say what is wrong.
 */
export function repair(input: RolloutInput, views: readonly ServiceView[], waves: Waves): void {
  if (!input.observed.resourcesReady && views.length > 0) waves.add(0, { kind: "ensureResources" });
  const from = waves.end;
  for (const view of inDependencyOrder(views)) {
    for (const id of view.wanted) {
      if (canStart(input, view, id)) waves.add(from, startStep(view, id));
    }
    correctRouting(input, view, waves);
  }
}

function canStart(input: RolloutInput, view: ServiceView, id: ServiceView["wanted"][number]): boolean {
  if (view.present.get(id)?.state === "running") return false;
  if (isStopFirst(view.desired) && liveOthers(view).length > 0) return false;
  return (input.notBefore[id] ?? 0) <= input.now;
}

function correctRouting(input: RolloutInput, view: ServiceView, waves: Waves): void {
  const { desired } = view;
  if (!desired.routed) return;
  const routing = input.observed.routing[desired.name];
  if (view.wanted.length === 0) {
    if ((routing?.targets.length ?? 0) > 0)
      waves.add(0, { kind: "route", service: desired.name, targets: [] });
    return;
  }
  if (view.ready.length === 0) return;
  const healthy = { ...view, wanted: view.ready };
  if (!isFullyRouted(input, healthy)) {
    waves.add(0, { kind: "route", service: desired.name, targets: equalWeights(view.ready) });
  }
}
