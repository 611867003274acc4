import type { Job, Pipeline } from "./pipeline.ts";

/**
 * `spared`: nothing that the job looks at has changed; it counts as succeeded. `skipped`: it will not run, and neither
 * will what needs it.
 */
export type JobState = "waiting" | "running" | "succeeded" | "failed" | "cancelled" | "skipped" | "spared";

export type JobStates = Readonly<Record<string, JobState>>;

export type Verdict = "succeeded" | "failed" | "cancelled";

export type NextJobs = {
  /** May start now, in the order of the pipeline; never more than there is room for. */
  start: readonly string[];
  /** Can never start; to be marked as skipped before the next call. */
  skip: readonly { job: string; reason: string }[];
  /** Once nothing waits and nothing runs. */
  verdict?: Verdict;
};

/**
 * What a run does next. A job missing from `states` is waiting. Pure: the caller starts, skips, and asks again with the
 * new states; each call makes progress or says that something runs or that all is over.
 */
export function nextJobs(pipeline: Pipeline, states: JobStates, width: number): NextJobs {
  const jobs = new Map(pipeline.jobs.map((job) => [job.name, job]));
  const stateOf = (name: string): JobState =>
    (Object.hasOwn(states, name) ? states[name] : undefined) ?? "waiting";
  const waiting = pipeline.jobs.filter(({ name }) => stateOf(name) === "waiting");
  const running = pipeline.jobs.filter(({ name }) => stateOf(name) === "running").length;
  const skip = waiting.flatMap((job) => {
    const reason = obstacle(job, jobs, stateOf);
    return reason === undefined ? [] : [{ job: job.name, reason }];
  });
  const ready = waiting.filter((job) => job.needs.every((need) => lets(jobs.get(need), stateOf(need))));
  // A run without any room would wait for ever.
  const room = Math.max(0, Math.max(1, Math.floor(width)) - running);
  const start = ready.slice(0, room).map(({ name }) => name);
  if (start.length > 0 || skip.length > 0 || running > 0) return { start, skip };
  if (waiting.length === 0) return { start, skip, verdict: verdictOf(pipeline, stateOf) };
  return { start, skip: waiting.map(({ name }) => ({ job: name, reason: "its needs form a cycle" })) };
}

/** A need in this state lets the jobs after it start. */
function lets(need: Job | undefined, state: JobState): boolean {
  if (need === undefined) return false;
  return state === "succeeded" || state === "spared" || (state === "failed" && need.continueOnError === true);
}

/** Why the job can never start, if so. */
function obstacle(
  job: Job,
  jobs: ReadonlyMap<string, Job>,
  stateOf: (name: string) => JobState,
): string | undefined {
  for (const name of job.needs) {
    const need = jobs.get(name);
    if (need === undefined) return `it needs ${name}, which does not exist`;
    const state = stateOf(name);
    if (state === "failed" && !need.continueOnError) return `${name} failed`;
    if (state === "cancelled") return `${name} was cancelled`;
    if (state === "skipped") return `${name} was skipped`;
  }
  return undefined;
}

function verdictOf(pipeline: Pipeline, stateOf: (name: string) => JobState): Verdict {
  if (pipeline.jobs.some(({ name, continueOnError }) => stateOf(name) === "failed" && !continueOnError))
    return "failed";
  return pipeline.jobs.some(({ name }) => stateOf(name) === "cancelled") ? "cancelled" : "succeeded";
}
