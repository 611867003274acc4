import { formatSeconds } from "../lib/duration.ts";
import { needsSwitch } from "./bring-up.ts";
import type { RolloutInput, ServiceView } from "./rollout-input.ts";
import type { PlanNote } from "./step.ts";

/** What can't be done without an interruption, said before anything runs, and what the canary will ask for. */
export function planNotes(input: RolloutInput, views: readonly ServiceView[]): PlanNote[] {
  return views.flatMap((view) => [...interruption(input, view), ...canary(input, view)]);
}

function interruption(input: RolloutInput, view: ServiceView): PlanNote[] {
  const { desired } = view;
  if (!needsSwitch(input, view)) return [];
  const why = desired.strategy === "singleton" ? "must never run twice" : "can't run twice side by side";
  const effect = desired.routed
    ? `its requests wait at the edge while it is switched, at most ${formatSeconds(desired.holdSeconds)}`
    : "it does not run while it is switched";
  return [{ severity: "warning", service: desired.name, message: `${desired.name} ${why}: ${effect}` }];
}

function canary(input: RolloutInput, view: ServiceView): PlanNote[] {
  const { canary: policy, name } = view.desired;
  if (!policy || input.mode !== "deploy" || view.serving.length === 0) return [];
  const stages = policy.steps
    .map((step) => `${step.weight} % for ${formatSeconds(step.forSeconds)}`)
    .join(", ");
  return [{ severity: "info", service: name, message: `${name} is judged on its own traffic: ${stages}` }];
}
