import type { Job, Pipeline, PipelineEvent } from "../pipeline/pipeline.ts";
import { isWorkflowFile, readWorkflow } from "../pipeline/read-workflow.ts";
import type { Repository } from "../pipeline/repository.ts";
import { isTriggered } from "../pipeline/start-run.ts";
import type { RunWorld } from "./phase.ts";

const maxFiles = 20;
const deploysItself = /\broadstead\s+(deploy|push)\b|\bgit\s+push\s+roadstead\b/;

/**
 * What a commit's own workflow files ask for at this event, as one pipeline; what cannot be honoured is in the notes.
 * Absent: no file says anything that can be done here.
 */
export async function workflowPipeline(
  world: RunWorld,
  repository: Repository,
  event: PipelineEvent,
): Promise<{ pipeline?: Pipeline; notes: string[] }> {
  const notes: string[] = [];
  const fitting: Pipeline[] = [];
  for (const path of repository.list().filter(isWorkflowFile).slice(0, maxFiles)) {
    const { pipeline, unsupported } = readWorkflow(path, repository.readText(path) ?? "");
    if (pipeline && !isTriggered(pipeline, event)) continue;
    for (const { file, line, path: at, reason } of unsupported)
      notes.push(`warning: ${file}:${line}: ${at === "" ? "" : `${at}: `}${reason}`);
    if (pipeline) fitting.push(pipeline);
  }
  const wanted = fitting.length > 1 ? fitting.flatMap(prefixed) : fitting.flatMap(({ jobs }) => jobs);
  const jobs = await honoured(world, wanted, notes);
  const [first] = fitting;
  if (!first || jobs.length === 0) return { notes };
  return { pipeline: { ...first, name: fitting.map(({ name }) => name).join(", "), jobs }, notes };
}

/** Several files may have jobs of the same name. */
function prefixed({ name, jobs }: Pipeline): Job[] {
  const prefix = `${name.replaceAll(/[^\w-]+/g, "-")}-`;
  return jobs.map((job) => ({
    ...job,
    name: `${prefix}${job.name}`,
    needs: job.needs.map((need) => `${prefix}${need}`),
  }));
}

/**
 * The forge's secrets are not here: a job that asks for one that nobody has set is left out, and what needs it. So is
 * one that would deploy: the run that it is part of does that, past the gates.
 */
async function honoured(
  { parts, run, signal }: RunWorld,
  jobs: readonly Job[],
  notes: string[],
): Promise<Job[]> {
  const asked = jobs.some(({ secrets }) => secrets.length > 0);
  const variables = asked ? await parts.variables(run.scope, signal) : {};
  const left = new Set<string>();
  const kept: Job[] = [];
  const open = [...jobs];
  // Each round places at least one job, or is the last.
  for (let found = true; found && open.length > 0; ) {
    found = false;
    for (const job of [...open]) {
      if (!job.needs.every((need) => left.has(need) || kept.some(({ name }) => name === need))) continue;
      found = true;
      open.splice(open.indexOf(job), 1);
      const deploys = job.steps.some(({ run: script }) => deploysItself.test(script));
      const missing = job.secrets.filter((name) => variables[name] === undefined);
      const need = job.needs.find((name) => left.has(name));
      if (missing.length === 0 && need === undefined && !deploys) kept.push(job);
      else {
        left.add(job.name);
        const why = deploys
          ? "the run itself deploys"
          : need === undefined
            ? `${missing.join(", ")} is not set here`
            : `it needs ${need}`;
        notes.push(`warning: ${job.name} is left out: ${why}`);
      }
    }
  }
  return kept;
}
