import { matchesPatterns } from "./match-pattern.ts";
import type { JobState } from "./next-jobs.ts";
import type { Job, Pipeline, PipelineEvent, RefFilter, Triggers } from "./pipeline.ts";

/** Whether an event starts a run of the pipeline. A pipeline that is meant for people starts only by hand. */
export function isTriggered({ on }: Pipeline, event: PipelineEvent): boolean {
  switch (event.kind) {
    case "push":
      return fits(on.push, event.branch, event.changedPaths);
    case "pull-request":
      return fits(on.pullRequest, event.target, event.changedPaths);
    case "tag":
      return on.tag !== undefined && matchesPatterns(event.tag, on.tag);
    case "manual":
      return on.manual !== undefined;
    case "schedule":
      return on.schedule?.includes(event.cron) ?? false;
  }
}

/** The states with which a run starts: jobs whose conditions do not hold are skipped. */
export function firstStates(pipeline: Pipeline, event: PipelineEvent): Record<string, JobState> {
  return Object.fromEntries(
    pipeline.jobs.map((job) => [job.name, applies(job, event) ? ("waiting" as const) : ("skipped" as const)]),
  );
}

/** Why a run by hand cannot start, and the variables it starts with. */
export function readInputs(
  on: Triggers,
  given: Readonly<Record<string, string>>,
): { env: Record<string, string>; problems: readonly string[] } {
  const inputs = on.manual?.inputs ?? [];
  const env: Record<string, string> = {};
  const problems: string[] = [];
  for (const name of Object.keys(given))
    if (!inputs.some((input) => input.name === name)) problems.push(`there is no input ${name}`);
  for (const input of inputs) {
    const value = (Object.hasOwn(given, input.name) ? given[input.name] : undefined) ?? input.default;
    if (value === undefined && input.required) problems.push(`the input ${input.name} is required`);
    env[inputVariable(input.name)] = value ?? "";
  }
  return { env, problems };
}

/** `log-level` -> `INPUT_LOG_LEVEL`. */
export function inputVariable(name: string): string {
  return `INPUT_${name.toUpperCase().replaceAll("-", "_")}`;
}

function fits(
  filter: RefFilter | undefined,
  branch: string,
  changed: readonly string[] | undefined,
): boolean {
  if (filter === undefined || !matchesPatterns(branch, filter.branches)) return false;
  const { paths } = filter;
  // Not knowing what has changed must not let a change through unchecked.
  return paths === undefined || changed === undefined || changed.some((path) => matchesPatterns(path, paths));
}

function applies({ when }: Job, event: PipelineEvent): boolean {
  if (when?.events !== undefined && !when.events.includes(event.kind)) return false;
  if (when?.branches === undefined) return true;
  const branch = branchOf(event);
  return branch !== undefined && matchesPatterns(branch, when.branches);
}

/** A pull request is on no branch of the stack yet, and its own branch may be called anything, `main` included. */
function branchOf(event: PipelineEvent): string | undefined {
  return event.kind === "tag" || event.kind === "pull-request" ? undefined : event.branch;
}
