import { describe, expect, it } from "vitest";
import { loadCompose } from "../stack/compose/load-compose.ts";
import { loadStack } from "../stack/load-stack.ts";
import { aJob, aPipeline, summaryOf } from "./pipeline-support.ts";
import { readPipeline } from "./read-pipeline.ts";

const input = (pipeline: string) => {
  const indented = pipeline.replaceAll(/^/gm, "    ");
  const text = `services:\n  web:\n    image: web:1\nx-roadstead:\n  pipeline:\n${indented}\n`;
  return {
    composeFiles: ["/p/compose.yaml"],
    projectDirectory: "/p",
    profiles: [],
    environment: {},
    readText: (path: string) => (path === "/p/compose.yaml" ? text : undefined),
  };
};

const read = (text: string, derived?: Parameters<typeof readPipeline>[2]) => {
  const { model, locate, problems } = loadCompose(input(text));
  if (model === undefined) throw new Error(JSON.stringify(problems));
  const result = readPipeline(model, locate, derived);
  return {
    pipeline: result.pipeline,
    problems: result.problems,
    lines: result.problems.map(({ line, code, message }) => `${line} ${code} ${message}`),
  };
};

describe("readPipeline", () => {
  it("reads the pipeline of seed 000: bot and dashboard, then what needs both (R-061)", () => {
    const { pipeline, lines } = read(`
on: { push: [main], pullRequest: true, manual: true }
env: { CI: true }
jobs:
  bot:
    steps: [npm ci, npm run lint, npm run build, npm test]
    services: { DATABASE_URL: "postgres:16" }
  dashboard:
    folder: ./admin-dashboard/
    steps: [npm ci, npm run lint, npm run build]
  announce:
    needs: [bot, dashboard]
    when: { branches: [main], events: [push] }
    steps: [echo done]
`);
    expect(lines).toEqual([]);
    expect(pipeline?.jobs.map(summaryOf)).toEqual([
      "bot (.): npm ci | npm run lint | npm run build | npm test",
      "dashboard (admin-dashboard): npm ci | npm run lint | npm run build",
      "announce (.) after bot, dashboard: echo done",
    ]);
    expect(pipeline?.jobs[0]).toMatchObject({
      services: [{ kind: "postgres", version: "16", variable: "DATABASE_URL" }],
      env: { CI: "true" },
      timeoutSeconds: 1800,
    });
    expect(pipeline?.jobs[2]?.when).toEqual({ branches: ["main"], events: ["push"] });
    expect(pipeline?.on).toEqual({
      push: { branches: ["main"] },
      pullRequest: { branches: ["**"] },
      manual: { inputs: [] },
    });
  });

  it("reads every key (R-067, R-073, R-074)", () => {
    const { pipeline, lines } = read(`
on:
  push: { branches: ["release/**"], paths: ["apps/**"] }
  tag: ["v*"]
  manual: [{ name: version, required: true, default: "1" }]
  schedule: ["0 3 * * 1-5"]
jobs:
  all:
    folder: apps/chat
    timeout: 10m
    image: node:22-alpine
    limits: { memory: 512m, cpus: "1.5" }
    caches: [~/.npm, apps/chat/.cache]
    artefacts: ["coverage/**"]
    secrets: [GITEATOKEN]
    services: { REDIS_URL: redis }
    continueOnError: true
    env: { A: 1 }
    steps:
      - { name: lint, run: pnpm lint, env: { B: x } }
      - { run: pnpm type-check, parallel: true, folder: packages/ui, timeout: 2m }
      - pnpm type-check
`);
    expect(lines).toEqual([]);
    expect(pipeline).toEqual({
      name: "stack",
      on: {
        push: { branches: ["release/**"], paths: ["apps/**"] },
        tag: ["v*"],
        manual: { inputs: [{ name: "version", required: true, default: "1" }] },
        schedule: ["0 3 * * 1-5"],
      },
      jobs: [
        {
          name: "all",
          needs: [],
          folder: "apps/chat",
          timeoutSeconds: 600,
          image: "node:22-alpine",
          limits: { memoryBytes: 512 * 1024 ** 2, cpus: 1.5 },
          caches: ["~/.npm", "apps/chat/.cache"],
          artefacts: ["coverage/**"],
          secrets: ["GITEATOKEN"],
          services: [{ kind: "redis", version: "7", variable: "REDIS_URL" }],
          continueOnError: true,
          env: { A: "1" },
          steps: [
            { name: "lint", run: "pnpm lint", env: { B: "x" }, timeoutSeconds: 600 },
            {
              name: "pnpm type-check",
              run: "pnpm type-check",
              env: {},
              timeoutSeconds: 120,
              folder: "packages/ui",
              parallel: true,
            },
            { name: "pnpm type-check (2)", run: "pnpm type-check", env: {}, timeoutSeconds: 600 },
          ],
        },
      ],
    });
  });

  it("tells every mistake at once, each at its line", () => {
    const { pipeline, lines } = read(`on: { schedule: ["0 25 * * *"] }
jobs:
  lint:
    timeout: soon
    steps: [npm run lint]
  build:
    needs: [lnt]
    folder: ../elsewhere
    steps:
      - { name: a, run: "true" }
      - { name: a, run: "true" }
  one:
    needs: [two]
    stepps: [x]
    steps: [x]
  two:
    needs: [one]
    services: { DATABASE_URL: mysql }
    steps: [x]
  "bad name":
    steps: [x]`);
    expect(pipeline).toBeUndefined();
    expect(lines.toSorted()).toEqual(
      [
        '6 INVALID_SETTING "0 25 * * *" is not a cron expression: its hour is wrong; expected one like "0 3 * * *"',
        '9 INVALID_SETTING "soon" is not a duration; expected one like 30s, 5m or 1h30m',
        "12 JOB_UNKNOWN there is no job lnt; did you mean lint?",
        '13 INVALID_SETTING "../elsewhere" is not a path inside the repository',
        "16 STEP_NAME_TAKEN two steps of build are called a",
        "19 UNKNOWN_KEY unknown key stepps; did you mean steps?",
        '23 INVALID_SETTING "mysql" is not offered; expected postgres, postgres:17, redis or redis:7',
        '25 INVALID_NAME "bad name" is not a job\'s name; expected letters, digits, - and _, at most 63',
        "18 JOB_CYCLE these jobs wait for each other: one -> two -> one",
      ].toSorted(),
    );
  });

  it.each([
    ["no list of steps", "jobs: { a: { steps: npm ci } }"],
    ["no steps", "jobs: { a: { steps: [] } }"],
    ["a job that is a text", "jobs: { a: npm ci }"],
    ["a pipeline that is a list", "- a"],
    ["an absolute folder", "jobs: { a: { folder: /etc, steps: [x] } }"],
    ["a cache outside", "jobs: { a: { caches: [~/../x], steps: [x] } }"],
    ["no time at all", "jobs: { a: { timeout: 0s, steps: [x] } }"],
    ["a need that is listed twice", "jobs: { a: { needs: [b, b], steps: [x] }, b: { steps: [x] } }"],
    ["itself as its need", "jobs: { a: { needs: [a], steps: [x] } }"],
    ["no variable's name", "jobs: { a: { env: { a-b: x }, steps: [x] } }"],
    ["four fields of cron", 'on: { schedule: ["0 3 * *"] }'],
    ["no cores", "jobs: { a: { limits: { cpus: none }, steps: [x] } }"],
  ])("refuses %s", (_what, text) => {
    const { pipeline, problems } = read(text);
    expect(pipeline).toBeUndefined();
    expect(problems.map(({ severity }) => severity)).toEqual(["error"]);
  });

  it("takes the derived jobs where only the triggers are written", () => {
    const { pipeline } = read("on: { push: [main] }\nenv: { A: b }", aPipeline([aJob("web")]));
    expect(pipeline?.on).toEqual({ push: { branches: ["main"] } });
    expect(pipeline?.jobs).toEqual([aJob("web", { env: { A: "b" } })]);
  });

  it("has nothing to say about a file without a pipeline", () => {
    const { model, locate } = loadCompose({
      ...input(""),
      readText: (path) => (path === "/p/compose.yaml" ? "services: { a: { image: a } }" : undefined),
    });
    if (model === undefined) throw new Error("the file is valid");
    expect(readPipeline(model, locate)).toEqual({ problems: [] });
  });

  it("has its mistakes told by a check of the stack as well, once", () => {
    const text = "jobs: { a: { needs: [b], timeout: x, steps: [y] } }";
    const { problems } = loadStack({ ...input(text), environmentName: "production" });
    const codes = problems.filter(({ severity }) => severity === "error").map(({ code }) => code);
    expect(codes).toEqual(["JOB_UNKNOWN", "INVALID_SETTING"]);
  });
});
