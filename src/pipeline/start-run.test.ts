import { describe, expect, it } from "vitest";
import type { PipelineEvent, Triggers } from "./pipeline.ts";
import { aJob, aPipeline } from "./pipeline-support.ts";
import { firstStates, isTriggered, readInputs } from "./start-run.ts";

const push = (branch: string, changedPaths?: string[]): PipelineEvent => ({
  kind: "push",
  branch,
  ...(changedPaths === undefined ? {} : { changedPaths }),
});
const pullRequest: PipelineEvent = { kind: "pull-request", target: "main", source: "feature/x" };
const tag: PipelineEvent = { kind: "tag", tag: "v1.0" };
const manual: PipelineEvent = { kind: "manual", branch: "main" };
const schedule: PipelineEvent = { kind: "schedule", branch: "main", cron: "0 3 * * *" };
const events = { main: push("main"), feature: push("feature/x"), pullRequest, tag, manual, schedule };

describe("isTriggered (R-066, R-073)", () => {
  it.each<[string, Triggers, (keyof typeof events)[]]>([
    ["nothing", {}, []],
    ["the manual workflows of seed 003", { manual: { inputs: [] } }, ["manual"]],
    [
      "its deploy.yml",
      { push: { branches: ["main", "master"] }, manual: { inputs: [] } },
      ["main", "manual"],
    ],
    ["every push", { push: { branches: ["**"] } }, ["main", "feature"]],
    ["pull requests for main", { pullRequest: { branches: ["main"] } }, ["pullRequest"]],
    ["pull requests for others", { pullRequest: { branches: ["!main"] } }, []],
    ["tags", { tag: ["v*"] }, ["tag"]],
    ["its own time", { schedule: ["0 3 * * *", "0 4 * * *"] }, ["schedule"]],
    ["another time", { schedule: ["0 4 * * *"] }, []],
  ])("%s", (_what, on, expected) => {
    const started = Object.entries(events).filter(([, event]) => isTriggered(aPipeline([], { on }), event));
    expect(started.map(([name]) => name)).toEqual(expected);
  });

  it("looks at the changed paths, and runs where they are not known", () => {
    const pipeline = aPipeline([], {
      on: { push: { branches: ["**"], paths: ["apps/**", "!**/README.md"] } },
    });
    expect(isTriggered(pipeline, push("main", ["apps/web/a.ts"]))).toBe(true);
    expect(isTriggered(pipeline, push("main", ["docs/a.md", "apps/web/README.md"]))).toBe(false);
    expect(isTriggered(pipeline, push("main"))).toBe(true);
  });
});

describe("firstStates", () => {
  const pipeline = aPipeline([
    aJob("check"),
    aJob("publish", { when: { branches: ["main"], events: ["push"] } }),
    aJob("note", { when: { branches: ["main"] } }),
  ]);

  it.each<[keyof typeof events, string, string]>([
    ["main", "waiting", "waiting"],
    ["feature", "skipped", "skipped"],
    ["pullRequest", "skipped", "skipped"],
    ["manual", "skipped", "waiting"],
    ["tag", "skipped", "skipped"],
  ])("%s: publish %s, note %s", (event, publish, note) => {
    expect(firstStates(pipeline, events[event])).toEqual({ check: "waiting", publish, note });
  });
});

it("keeps a job for main from a pull request whose branch is called main as well (R-066)", () => {
  const pipeline = aPipeline([aJob("publish", { when: { branches: ["main"] } })]);
  expect(firstStates(pipeline, { ...pullRequest, source: "main" })).toEqual({ publish: "skipped" });
});

describe("readInputs", () => {
  const on: Triggers = {
    manual: {
      inputs: [
        { name: "version", required: true },
        { name: "log-level", required: false, default: "info" },
      ],
    },
  };

  it("gives every input as a variable (R-073)", () => {
    expect(readInputs(on, { version: "2" })).toEqual({
      env: { INPUT_VERSION: "2", INPUT_LOG_LEVEL: "info" },
      problems: [],
    });
  });

  it("refuses what is missing or unknown", () => {
    expect(readInputs(on, { verison: "2" }).problems).toEqual([
      "there is no input verison",
      "the input version is required",
    ]);
  });
});
