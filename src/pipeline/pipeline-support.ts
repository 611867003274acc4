import { defaultJobTimeoutSeconds, type Job, type Pipeline, type Step, stepGroups } from "./pipeline.ts";
import type { Repository } from "./repository.ts";

/** A job for tests; it does nothing much. */
export function aJob(name: string, changes: Partial<Job> = {}): Job {
  return {
    name,
    needs: [],
    folder: ".",
    steps: [aStep("work")],
    services: [],
    caches: [],
    artefacts: [],
    secrets: [],
    env: {},
    timeoutSeconds: defaultJobTimeoutSeconds,
    limits: {},
    ...changes,
  };
}

export function aStep(name: string, changes: Partial<Step> = {}): Step {
  return { name, run: `echo ${name}`, env: {}, timeoutSeconds: defaultJobTimeoutSeconds, ...changes };
}

export function aPipeline(jobs: readonly Job[], changes: Partial<Pipeline> = {}): Pipeline {
  return { name: "checks", on: { push: { branches: ["**"] }, manual: { inputs: [] } }, jobs, ...changes };
}

/** A repository of the given texts; a value that is no text is written as JSON. */
export function aRepository(files: Readonly<Record<string, unknown>>): Repository {
  return {
    list: () => Object.keys(files),
    readText: (path) => {
      if (!Object.hasOwn(files, path)) return undefined;
      const content = files[path];
      return typeof content === "string" ? content : JSON.stringify(content, undefined, 2);
    },
  };
}

/** A lock file of npm that has exactly what the packages, by folder, ask for. */
export function npmLockOf(packages: Readonly<Record<string, Readonly<Record<string, string>>>>): unknown {
  const installed = Object.values(packages).flatMap((dependencies) => Object.entries(dependencies));
  return {
    lockfileVersion: 3,
    packages: {
      ...Object.fromEntries(
        Object.entries(packages).map(([folder, dependencies]) => [folder, { dependencies }]),
      ),
      ...Object.fromEntries(
        installed.map(([name, range]) => [`node_modules/${name}`, { version: range.replace(/^[\^~]/, "") }]),
      ),
    },
  };
}

/** A job in one line: `bot (.): install | lint + types | test`; a step elsewhere names its folder. */
export function summaryOf(job: Job): string {
  const groups = stepGroups(job).map((group) =>
    group
      .map((step) => (step.folder === undefined ? step.name : `${step.name} [${step.folder}]`))
      .join(" + "),
  );
  const needs = job.needs.length === 0 ? "" : ` after ${job.needs.join(", ")}`;
  return `${job.name} (${job.folder})${needs}: ${groups.join(" | ")}`;
}
