import type { Step, StepKind, StepOf } from "../../rollout/step.ts";
import type { StepResult } from "../../store/port.ts";
import { runJob } from "./jobs.ts";
import { smoke, watchCanary } from "./judge.ts";
import { ensureImage, ensureResources, removeResources } from "./prepare.ts";
import { drain, removeReplica, startReplica, stopReplica, waitReady } from "./replicas.ts";
import type { Runner, Runners, StepWorld } from "./step-world.ts";
import { cutOver, hold, markCurrent, route } from "./traffic.ts";

const runners: Runners = {
  ensureImage,
  ensureResources,
  removeResources,
  runJob,
  startReplica,
  waitReady,
  hold,
  route,
  cutOver,
  watchCanary,
  smoke,
  markCurrent,
  drain,
  stopReplica,
  removeReplica,
};

export function runStep<K extends StepKind>(
  step: StepOf<K> & Step,
  world: StepWorld,
): Promise<StepResult | undefined> {
  const runner = runners[step.kind] as Runner<K>;
  return runner(step, world);
}
