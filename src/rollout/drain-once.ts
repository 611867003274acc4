import type { DesiredService } from "./desired.ts";
import type { ReplicaId } from "./ids.ts";
import type { RolloutInput } from "./rollout-input.ts";
import { type Step, stepKey } from "./step.ts";
import type { Waves } from "./waves.ts";

/** Adds a drain unless the replica was drained by this deployment or will be by this plan; returns the first wave after it. */
export function drainOnce(
  input: RolloutInput,
  desired: DesiredService,
  replica: ReplicaId,
  waves: Waves,
  wave: number,
): number {
  if (!desired.routed) return wave;
  const step: Step = { kind: "drain", service: desired.name, replica, timeoutSeconds: desired.drainSeconds };
  return input.done.has(stepKey(step)) || waves.has(step) ? wave : waves.add(wave, step);
}
