import { affectedPackages } from "../pipeline/affected.ts";
import { derivePipeline } from "../pipeline/derive-pipeline.ts";
import type { JobState } from "../pipeline/next-jobs.ts";
import type { Pipeline, PipelineEvent } from "../pipeline/pipeline.ts";
import { readPackages } from "../pipeline/read-packages.ts";
import { readPipeline } from "../pipeline/read-pipeline.ts";
import type { Repository } from "../pipeline/repository.ts";
import { firstStates, isTriggered } from "../pipeline/start-run.ts";
import { checkoutFiles } from "./checkout-files.ts";
import { DeliveryError } from "./errors.ts";
import type { RunWorld } from "./phase.ts";
import type { Run } from "./run.ts";
import { workflowPipeline } from "./workflow-pipeline.ts";

export type ChosenPipeline = {
  pipeline?: Pipeline;
  /** With which a first attempt starts. */
  states: Readonly<Record<string, JobState>>;
  notes: readonly string[];
};

/** The pipeline of a commit: what its stack file says, else what its workflow files say, else what its packages have scripts for. */
export async function choosePipeline(world: RunWorld): Promise<ChosenPipeline> {
  const repository = checkoutFiles(await world.folder());
  const { model } = await world.gathered();
  const derived = derivePipeline(repository);
  const written = model ? readPipeline(model, () => undefined, derived.pipeline).pipeline : undefined;
  const event = eventOf(world.run);
  if (written) {
    if (isTriggered(written, event))
      return { pipeline: written, states: firstStates(written, event), notes: [] };
    return { states: {}, notes: [`the pipeline is not for a ${event.kind} of ${world.run.ref}`] };
  }
  const fromForge = await workflowPipeline(world, repository, event);
  if (fromForge.pipeline) {
    const { pipeline, notes } = fromForge;
    return { pipeline, states: firstStates(pipeline, event), notes };
  }
  const errors = derived.problems.filter((problem) => problem.severity === "error");
  if (errors.length > 0)
    throw new DeliveryError("DELIVERY_JOB_FAILED", "the repository can't be checked as it is", {
      lastLines: errors.map((problem) => `${problem.file ?? ""}: ${problem.message}`),
    });
  const { pipeline } = derived;
  return {
    pipeline,
    states: { ...firstStates(pipeline, event), ...(await sparedJobs(world, pipeline, repository)) },
    notes: [
      ...fromForge.notes,
      ...derived.problems.map((problem) => `warning: ${problem.file ?? ""}: ${problem.message}`),
    ],
  };
}

/** Jobs of packages that nothing has touched since the last commit that went all the way here. */
async function sparedJobs(
  { parts, book, run, signal }: RunWorld,
  pipeline: Pipeline,
  repository: Repository,
): Promise<Record<string, JobState>> {
  const before = book
    .list(100, { source: run.source, scope: run.scope })
    .find((other) => other.state === "succeeded");
  const changed = before && (await parts.sources.changed(run.source, before.commit, run.commit, signal));
  if (!changed) return {};
  const { packages } = readPackages(repository);
  const touched = affectedPackages(packages, changed);
  const folders = new Set(packages.map((one) => one.folder));
  return Object.fromEntries(
    pipeline.jobs
      .filter((job) => folders.has(job.folder) && !touched.has(job.folder))
      .map((job) => [job.name, "spared" as const]),
  );
}

function eventOf(run: Run): PipelineEvent {
  switch (run.trigger) {
    case "push":
    case "webhook":
      return { kind: "push", branch: run.ref };
    case "pullRequest":
      return { kind: "pull-request", target: run.target ?? "main", source: run.ref };
    case "manual":
    case "schedule":
    case "registry":
      return { kind: "manual", branch: run.ref };
  }
}
