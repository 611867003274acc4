/**
 * What has to pass before a commit may be deployed, as data: written in the stack file, derived from the repository, or
 * read from a workflow file. A runner carries it out in a fresh clone; every folder is relative to that clone.
 */
export type Pipeline = {
  /** Unique among the pipelines of a repository. */
  name: string;
  on: Triggers;
  /** Names are unique; `needs` form no cycle. */
  jobs: readonly Job[];
};

export type Job = {
  name: string;
  /** Jobs that must have succeeded before this one starts. */
  needs: readonly string[];
  /** Relative to the repository, `.` for its root; never leaves it. */
  folder: string;
  steps: readonly Step[];
  /** Where jobs are containers: the image of this one's. */
  image?: string;
  services: readonly JobService[];
  /** Kept between runs: folders relative to the repository, or below the job's own home as `~/…`. */
  caches: readonly string[];
  /** Files kept after the job, as patterns relative to the repository. */
  artefacts: readonly string[];
  /** Names of secrets that the steps get as variables; no other job sees them. */
  secrets: readonly string[];
  /** A step's own variables win over these. */
  env: Readonly<Record<string, string>>;
  /** For the whole job; it has failed when the time is up. */
  timeoutSeconds: number;
  limits: JobLimits;
  /** A failure neither fails the run nor stops the jobs that need this one. */
  continueOnError?: boolean;
  /** Further conditions on top of the pipeline's triggers. */
  when?: JobFilter;
};

export type Step = {
  name: string;
  /** Text for `/bin/sh -e`. */
  run: string;
  /** Replaces the job's folder. */
  folder?: string;
  env: Readonly<Record<string, string>>;
  timeoutSeconds: number;
  /** Starts together with the step before it, not after it. */
  parallel?: boolean;
};

/** A throw-away server for one job; the variable gets its URL. */
export type JobService = { kind: JobServiceKind; version: string; variable: string };

export type JobServiceKind = "postgres" | "redis";

export type JobLimits = { memoryBytes?: number; cpus?: number };

/** Absent conditions always hold. */
export type JobFilter = {
  /** Patterns, see `matchesPatterns`. */
  branches?: readonly string[];
  events?: readonly EventKind[];
};

export type Triggers = {
  push?: RefFilter;
  /** `branches` are those that the change is meant for. */
  pullRequest?: RefFilter;
  /** Patterns of tag names. */
  tag?: readonly string[];
  /** By hand or by a call of the pipeline's own webhook. */
  manual?: { inputs: readonly ManualInput[] };
  /** Cron expressions with five fields, in UTC. */
  schedule?: readonly string[];
};

/** Patterns, see `matchesPatterns`. Without `paths` every change counts. */
export type RefFilter = { branches: readonly string[]; paths?: readonly string[] };

/** Reaches the steps as the variable `INPUT_<NAME>`. */
export type ManualInput = { name: string; required: boolean; default?: string };

export type PipelineEvent =
  | { kind: "push"; branch: string; changedPaths?: readonly string[] }
  | { kind: "pull-request"; target: string; source: string; changedPaths?: readonly string[] }
  | { kind: "tag"; tag: string }
  | { kind: "manual"; branch: string }
  | { kind: "schedule"; branch: string; cron: string };

export type EventKind = PipelineEvent["kind"];

/** For jobs that name no time of their own. */
export const defaultJobTimeoutSeconds = 30 * 60;

/** Where a step runs, relative to the repository. */
export function stepFolder(job: Job, step: Step): string {
  return step.folder ?? job.folder;
}

/** The steps in order; those within one group start together, and the next group waits for all of them. */
export function stepGroups(job: Job): readonly (readonly Step[])[] {
  const groups: Step[][] = [];
  for (const step of job.steps) {
    const last = groups.at(-1);
    if (step.parallel && last !== undefined) last.push(step);
    else groups.push([step]);
  }
  return groups;
}
