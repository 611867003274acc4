import type { ComposeModel } from "../stack/compose-model.ts";
import { hasErrors, type Problem } from "../stack/problem.ts";
import type { Locate } from "../stack/problem-at.ts";
import { readPipelineSettings } from "../stack/x-roadstead.ts";
import type { JobSettings, PipelineSettings, TriggerSettings } from "../stack/x-roadstead-pipeline.ts";
import {
  defaultJobTimeoutSeconds,
  type Job,
  type JobFilter,
  type Pipeline,
  type Step,
  type Triggers,
} from "./pipeline.ts";

export type ReadPipeline = {
  /** Absent when the file has no pipeline, or one with errors. */
  pipeline?: Pipeline;
  problems: readonly Problem[];
};

/**
 * The pipeline that a stack file writes, all its mistakes at once. Where it names triggers but no jobs, the jobs are
 * those of `derived`.
 */
export function readPipeline(model: ComposeModel, locate: Locate, derived?: Pipeline): ReadPipeline {
  const { settings, problems } = readPipelineSettings(model, locate);
  if (settings === undefined || hasErrors(problems)) return { problems };
  const jobs =
    settings.jobs === undefined
      ? (derived?.jobs ?? []).map((job) => ({ ...job, env: { ...settings.env, ...job.env } }))
      : Object.entries(settings.jobs).map(([name, job]) => toJob(name, job, settings));
  return { pipeline: { name: "stack", on: toTriggers(settings.on), jobs }, problems };
}

function toJob(name: string, job: JobSettings, pipeline: PipelineSettings): Job {
  const timeoutSeconds = job.timeout ?? defaultJobTimeoutSeconds;
  const { memory, cpus } = job.limits ?? {};
  return {
    name,
    needs: job.needs ?? [],
    folder: job.folder ?? ".",
    steps: toSteps(job.steps, timeoutSeconds),
    services: Object.entries(job.services ?? {}).map(([variable, service]) => ({ ...service, variable })),
    caches: job.caches ?? [],
    artefacts: job.artefacts ?? [],
    secrets: job.secrets ?? [],
    env: { ...pipeline.env, ...job.env },
    timeoutSeconds,
    limits: {
      ...(memory === undefined ? {} : { memoryBytes: memory }),
      ...(cpus === undefined ? {} : { cpus }),
    },
    ...(job.image === undefined ? {} : { image: job.image }),
    ...(job.continueOnError ? { continueOnError: true } : {}),
    ...(job.when === undefined ? {} : { when: toFilter(job.when) }),
  };
}

function toSteps(steps: JobSettings["steps"], jobTimeoutSeconds: number): Step[] {
  const taken = new Set(steps.flatMap(({ name }) => name ?? []));
  return steps.map((step) => ({
    name: step.name ?? freeName(step.run, taken),
    run: step.run,
    env: step.env ?? {},
    timeoutSeconds: step.timeout ?? jobTimeoutSeconds,
    ...(step.folder === undefined ? {} : { folder: step.folder }),
    ...(step.parallel ? { parallel: true } : {}),
  }));
}

/** The first line of a script, and a number where another step has that name already. */
export function freeName(run: string, taken: Set<string>): string {
  const line = run.split("\n").find((text) => text.trim() !== "" && !text.trim().startsWith("#")) ?? "step";
  const short = line.trim().slice(0, 60);
  let name = short;
  for (let number = 2; taken.has(name); number += 1) name = `${short} (${number})`;
  taken.add(name);
  return name;
}

function toFilter({ branches, events }: NonNullable<JobSettings["when"]>): JobFilter {
  return { ...(branches === undefined ? {} : { branches }), ...(events === undefined ? {} : { events }) };
}

const every = { branches: ["**"] };

function toTriggers(on: TriggerSettings | undefined): Triggers {
  if (on === undefined) return { push: every, pullRequest: every, manual: { inputs: [] } };
  const refs = ({ branches, paths }: NonNullable<TriggerSettings["push"]>) => ({
    branches: branches ?? every.branches,
    ...(paths === undefined ? {} : { paths }),
  });
  return {
    ...(on.push === undefined ? {} : { push: refs(on.push) }),
    ...(on.pullRequest === undefined ? {} : { pullRequest: refs(on.pullRequest) }),
    ...(on.tag === undefined ? {} : { tag: on.tag }),
    ...(on.manual === undefined ? {} : { manual: { inputs: on.manual.map(toInput) } }),
    ...(on.schedule === undefined ? {} : { schedule: on.schedule }),
  };
}

function toInput(input: NonNullable<TriggerSettings["manual"]>[number]) {
  return {
    name: input.name,
    required: input.required ?? false,
    ...(input.default === undefined ? {} : { default: input.default }),
  };
}
