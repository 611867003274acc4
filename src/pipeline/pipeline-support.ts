import { defaultJobTimeoutSeconds, type Job, type Pipeline, type Step } from "./pipeline.ts";

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
