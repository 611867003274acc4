import type { DesiredRelease } from "../../rollout/desired.ts";
import type { ReleaseId, ReplicaId, Scope } from "../../rollout/ids.ts";
import type { StepKind, StepOf } from "../../rollout/step.ts";
import type { ObservedReplica, ResolvedImage } from "../../runtime/port.ts";
import type { Service, Stack } from "../../stack/stack.ts";
import type { Bundle, Deployment, PinnedImage, StepResult } from "../../store/port.ts";
import type { EdgeDirector } from "../edge-director.ts";
import type { HealthTracker } from "../health-tracker.ts";
import type { EngineParts } from "../parts.ts";

/** What a step runner may touch while it works for one stack. */
export type StepWorld = {
  parts: EngineParts;
  director: EdgeDirector;
  tracker: HealthTracker;
  scope: Scope;
  target: DesiredRelease;
  /** The release being made current; while its images are unresolved, the wish for it. */
  plan: TargetPlan;
  /** Looks at the runtime anew. */
  replicas: () => Promise<ReadonlyMap<ReplicaId, ObservedReplica>>;
  /** What the operator asks of the running deployment now. */
  control: () => Deployment["control"];
  /** When this step began, also across a restart of the control plane. */
  startedAt: number;
  output: (line: string) => void;
  signal: AbortSignal;
};

export type TargetPlan = {
  release: ReleaseId;
  stack: Stack;
  bundle: Bundle;
  images: Readonly<Record<string, ResolvedImage>>;
  fileVersions: Readonly<Record<string, string>>;
  /** Services for which the deployment asks for an exact image. */
  pinnedImages?: Readonly<Record<string, PinnedImage>>;
};

export type Runner<K extends StepKind> = (
  step: StepOf<K>,
  world: StepWorld,
) => Promise<StepResult | undefined>;

/** A step kind without a runner is a compile error. */
export type Runners = { [K in StepKind]: Runner<K> };

export function serviceIn(world: { plan: Pick<TargetPlan, "stack"> }, name: string): Service {
  const service = world.plan.stack.services.find((candidate) => candidate.name === name);
  if (!service) throw new Error(`service ${name} is not in the stack ${world.plan.stack.name}`);
  return service;
}
