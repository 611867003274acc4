import { bringUp, isFullyRouted } from "./bring-up.ts";
import { planNotes } from "./plan-notes.ts";
import { repair } from "./repair.ts";
import { orphans, retire } from "./retire.ts";
import { type RolloutInput, type ServiceView, viewsOf } from "./rollout-input.ts";
import { shiftTraffic, switchWarm } from "./shift.ts";
import type { Plan, Step } from "./step.ts";
import { stepKey } from "./step.ts";
import { Waves } from "./waves.ts";

/**
 * The way from what is observed to what is wanted, as ordered steps. Pure: time and every fact are arguments.
 * Only the first wave is ever executed; then the world is observed and planned again, so resuming after a crash,
 * retrying and repairing drift are this same function.
 */
export function planRollout(input: RolloutInput): Plan {
  const views = viewsOf(input);
  const waves = new Waves();
  if (input.mode === "steady") {
    repair(input, views, waves);
    if (waves.end === 0) retire(input, views, waves);
    return { steps: waves.steps(), notes: [] };
  }
  if (input.mode === "down") return takeAway(input, waves);
  prepare(input, waves);
  const switched = input.mode === "switch" ? switchWarm(input, views, waves) : new Set<string>();
  const rest = views.filter((view) => !switched.has(view.desired.name));
  bringUp(input, rest, waves);
  shiftTraffic(input, rest, waves);
  withdrawRoutes(input, waves);
  if (input.mode === "deploy") smoke(input, views, waves);
  if (input.current !== input.target.release)
    waves.add(waves.end, { kind: "markCurrent", release: input.target.release });
  retire(input, views, waves);
  return { steps: waves.steps(), notes: planNotes(input, views) };
}

function takeAway(input: RolloutInput, waves: Waves): Plan {
  withdrawRoutes(input, waves);
  retire(input, [], waves);
  const step: Step = { kind: "removeResources", volumes: input.removeVolumes ?? false };
  if (!input.done.has(stepKey(step))) waves.add(waves.end, step);
  return { steps: waves.steps(), notes: [] };
}

function prepare(input: RolloutInput, waves: Waves): void {
  if (!input.observed.resourcesReady && input.target.services.length > 0)
    waves.add(0, { kind: "ensureResources" });
}

/** A service that the target does not have, or no longer reaches through the edge, gets no traffic any more. */
function withdrawRoutes(input: RolloutInput, waves: Waves): void {
  const names = new Set(orphans(input).map((replica) => replica.service));
  for (const name of Object.keys(input.observed.routing)) {
    if (!input.target.services.some((service) => service.name === name && service.routed)) names.add(name);
  }
  const services = [...names]
    .filter((name) => (input.observed.routing[name]?.targets ?? []).length > 0)
    .map((service) => ({ service, targets: [] }));
  if (services.length > 0) waves.add(waves.end, { kind: "cutOver", services });
}

function smoke(input: RolloutInput, views: readonly ServiceView[], waves: Waves): void {
  if (input.current === input.target.release) return;
  const wave = waves.end;
  for (const view of views) {
    const step: Step = { kind: "smoke", service: view.desired.name };
    if (view.desired.hasSmoke && !view.desired.stopped && !input.done.has(stepKey(step)))
      waves.add(wave, step);
  }
}

/** Every service of the target runs, is ready and has its traffic: nothing is left but to retire. */
export function isServing(input: RolloutInput): boolean {
  return viewsOf(input).every(
    (view) =>
      view.allReady && (!view.desired.routed || view.wanted.length === 0 || isFullyRouted(input, view)),
  );
}
