import { z } from "zod";
import { gateFields } from "./x-roadstead-gates.ts";
import {
  cpus,
  cron,
  expandRefs,
  jobService,
  positive,
  relativeFolder,
  variables,
} from "./x-roadstead-pipeline-values.ts";
import { field, flag, size } from "./x-roadstead-values.ts";

/** `x-roadstead.pipeline`: what a commit has to pass. What the fields mean together is checked by check-pipeline.ts. */

export const pipelineEvents = ["push", "pull-request", "tag", "manual", "schedule"] as const;

const texts = (what: string) => z.array(z.string().min(1), { error: `expected a list of ${what}` });

const refFilterSchema = z.preprocess(
  expandRefs,
  z.strictObject(
    {
      branches: field(texts("branch patterns"), {
        type: "list of patterns",
        default: "every branch",
        description: "`*` is any text without a slash, `**` any text; `!` in front takes away again.",
        example: "[main, release/**, '!release/old']",
      }),
      paths: field(texts("path patterns"), {
        type: "list of patterns",
        default: "every change counts",
        description: "Only when a changed file fits one of them.",
      }),
    },
    { error: "expected true, a list of branch patterns, or a mapping with branches and paths" },
  ),
);

const inputSchema = z.strictObject(
  {
    name: z
      .string()
      .regex(/^[A-Za-z][\w-]{0,62}$/, { error: "expected a name of letters, digits, _ and -" })
      .meta({ type: "text", default: "required", description: "The steps get it as `INPUT_<NAME>`." }),
    required: field(flag(), {
      type: "true or false",
      default: "false",
      description: "A run by hand is refused without it.",
    }),
    default: field(z.string(), { type: "text", default: "empty", description: "Value when none is given." }),
  },
  { error: "expected a mapping with name, required and default" },
);

export const triggersSchema = z.strictObject(
  {
    push: field(refFilterSchema, {
      type: "true, list of branches, or mapping",
      default: "no push",
      description: "Runs on pushes to these branches.",
    }),
    pullRequest: field(refFilterSchema, {
      type: "true, list of branches, or mapping",
      default: "no pull request",
      description: "Runs on pull requests that are meant for these branches. Never deploys.",
    }),
    tag: field(texts("tag patterns"), {
      type: "list of patterns",
      default: "no tag",
      description: "Runs on tags that fit.",
      example: "[v*]",
    }),
    manual: field(
      z.preprocess(
        (value) => (value === true || value === "true" ? [] : value),
        z.array(inputSchema, { error: "expected true or a list of inputs" }),
      ),
      {
        type: "true or list of inputs",
        default: "not by hand",
        description: "Runs when somebody asks for it.",
      },
    ),
    schedule: field(z.array(cron(), { error: "expected a list of cron expressions" }), {
      type: "list of cron expressions",
      default: "none",
      description: "Minute, hour, day of month, month, day of week, in UTC.",
      example: '["0 3 * * 1-5"]',
    }),
  },
  { error: "expected a mapping" },
);

const stepSchema = z.preprocess(
  (value) => (typeof value === "string" ? { run: value } : value),
  z.strictObject(
    {
      name: field(z.string().min(1).max(100), {
        type: "text",
        default: "the first line of `run`",
        description: "Shown in logs and timelines.",
      }),
      run: z.string().min(1).meta({
        type: "text",
        default: "required",
        description:
          "Script for `/bin/sh -e`. Compose replaces `$NAME` when it reads the file: write `$$NAME` for a variable of the step.",
      }),
      folder: field(relativeFolder(), {
        type: "folder",
        default: "the job's",
        description: "Where the script runs, relative to the repository.",
      }),
      env: field(variables(), {
        type: "mapping",
        default: "none",
        description: "Variables on top of the job's.",
      }),
      timeout: field(positive(), {
        type: "duration",
        default: "the job's",
        description: "The script is killed after this long, and the job has failed.",
      }),
      parallel: field(flag(), {
        type: "true or false",
        default: "false",
        description: "Starts together with the step before it, not after it.",
      }),
    },
    { error: "expected a script or a mapping with run" },
  ),
);

export const jobSchema = z.strictObject(
  {
    needs: field(texts("jobs"), {
      type: "list of jobs",
      default: "none",
      description: "Starts when these have succeeded. Jobs without a path between them run at the same time.",
    }),
    folder: field(relativeFolder(), {
      type: "folder",
      default: "the repository",
      description: "Where the steps run, relative to the repository.",
    }),
    steps: z
      .array(stepSchema, { error: "expected a list of steps" })
      .min(1, { error: "expected at least one step" })
      .meta({
        type: "list of scripts or mappings",
        default: "required",
        description: "One after the other; a step that fails ends the job.",
        example: "[npm ci, npm run lint, {name: test, run: npm test, timeout: 5m}]",
      }),
    image: field(z.string().regex(/^[\w][\w./:@-]{0,255}$/, { error: "expected the name of an image" }), {
      type: "image",
      default: "node:24-alpine",
      description: "Container in which the steps run; only with `--runtime docker`.",
      example: "node:22-alpine",
    }),
    services: field(z.record(z.string(), jobService(), { error: "expected a mapping" }), {
      type: "mapping",
      default: "none",
      description:
        "Throw-away `postgres` or `redis` for this job: the variable that gets its URL -> what to start.",
      example: "{DATABASE_URL: 'postgres:17', REDIS_URL: redis}",
    }),
    caches: field(z.array(relativeFolder({ home: true }), { error: "expected a list of folders" }), {
      type: "list of folders",
      default: "none",
      description: "Kept between runs; relative to the repository, or below the job's own home.",
      example: "[~/.npm]",
    }),
    artefacts: field(z.array(relativeFolder(), { error: "expected a list of patterns" }), {
      type: "list of patterns",
      default: "none",
      description: "Files kept after the job, relative to the repository.",
      example: "['coverage/**']",
    }),
    secrets: field(texts("names of secrets"), {
      type: "list of names",
      default: "none",
      description: "Secrets that the steps get as variables of the same name; `***` in every log.",
    }),
    env: field(variables(), {
      type: "mapping",
      default: "none",
      description: "Variables on top of the pipeline's.",
    }),
    timeout: field(positive(), {
      type: "duration",
      default: "30m",
      description: "The whole job is killed after this long.",
    }),
    limits: field(
      z.strictObject(
        {
          memory: field(size(), {
            type: "size",
            default: "the installation's",
            description: "More is refused; the log says so.",
          }),
          cpus: field(cpus(), {
            type: "number",
            default: "the installation's",
            description: "Share of cores.",
          }),
        },
        { error: "expected a mapping with memory and cpus" },
      ),
      { type: "mapping", default: "the installation's", description: "What the steps may use." },
    ),
    continueOnError: field(flag(), {
      type: "true or false",
      default: "false",
      description: "A failure neither fails the run nor stops the jobs that need this one.",
    }),
    when: field(
      z.strictObject(
        {
          branches: field(texts("branch patterns"), {
            type: "list of patterns",
            default: "every branch",
            description: "Only for these branches.",
          }),
          events: field(
            z.array(z.enum(pipelineEvents, { error: `expected one of ${pipelineEvents.join(", ")}` })),
            {
              type: `list of ${pipelineEvents.join(", ")}`,
              default: "every event",
              description: "Only for runs that one of these has started.",
            },
          ),
        },
        { error: "expected a mapping with branches and events" },
      ),
      { type: "mapping", default: "always", description: "Further conditions for this job." },
    ),
  },
  { error: "expected a mapping" },
);

export const pipelineSchema = z.strictObject(
  {
    on: field(triggersSchema, {
      type: "mapping",
      default: "pushes to and pull requests for every branch, and by hand",
      description: "What starts a run.",
    }),
    env: field(variables(), { type: "mapping", default: "none", description: "Variables of every job." }),
    jobs: field(z.record(z.string(), jobSchema, { error: "expected a mapping of jobs" }), {
      type: "mapping",
      default: "derived: for each package.json its scripts lint, type-check, test and build",
      description: "Job name -> what it does.",
    }),
    ...gateFields,
  },
  { error: "expected a mapping" },
);

export type PipelineSettings = z.output<typeof pipelineSchema>;
export type JobSettings = z.output<typeof jobSchema>;
export type TriggerSettings = z.output<typeof triggersSchema>;
