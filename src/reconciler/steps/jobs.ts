import { replicaId } from "../../rollout/ids.ts";
import { engineError } from "../errors.ts";
import { StepFailure } from "../step-failure.ts";
import { replicaSpec } from "./replica-spec.ts";
import { type Runners, serviceIn } from "./step-world.ts";

/** Runs in the release's own image, before it takes traffic. Killed and run again, it must be harmless: so are migrations. */
export const runJob: Runners["runJob"] = async (step, world) => {
  const service = serviceIn(world, step.service);
  const wish = {
    service: step.service,
    revision: step.revision,
    ordinal: 0,
    replica: replicaId(world.scope, step.service, step.revision, 0),
  };
  const argv = step.job === "release" ? service.releaseJob?.argv : undefined;
  const spec = {
    ...replicaSpec(world, wish),
    jobId: `${wish.replica}-${step.job}`,
    timeoutSeconds: step.timeoutSeconds,
    ...(argv ? { argv } : {}),
  };
  const outcome = await world.parts.runtime.runJob(spec, world.output, world.signal);
  if (outcome.exitCode === 0 && !outcome.timedOut) return { kind: "job", exitCode: 0 };
  const how = outcome.timedOut
    ? `did not end within ${step.timeoutSeconds} s`
    : outcome.oomKilled
      ? "was killed for lack of memory"
      : `ended with exit code ${outcome.exitCode}`;
  const what = step.job === "release" ? `release job of ${step.service}` : `job ${step.service}`;
  throw new StepFailure(engineError("ENGINE_JOB_FAILED", `${what} ${how}`), {
    exitCode: outcome.exitCode,
    lastLines: outcome.lastLines.slice(-20),
  });
};
