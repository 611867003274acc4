import { describe, expect, it } from "vitest";
import type { DeploymentId } from "../rollout/ids.ts";
import type { Step } from "../rollout/step.ts";
import type { Deployment, JournalEntry } from "../store/port.ts";
import type { PhaseName, PhaseRecord, Run, RunId } from "./run.ts";
import { type Rollout, type TimelineFacts, timelineOf } from "./timeline.ts";

const minute = 60_000;
const start = 1_700_000_000_000;
const at = (minutes: number) => start + minutes * minute;
const shop = { stack: "shop", environment: "production" };

const phase = (name: PhaseName, from: number, to: number): PhaseRecord => ({
  name,
  state: "done",
  startedAt: at(from),
  finishedAt: at(to),
});

const run: Run = {
  id: "run_1" as RunId,
  source: "shop",
  scope: shop,
  ref: "main",
  commit: "1".repeat(40),
  subject: "",
  author: "",
  trigger: "push",
  requestedBy: "ada",
  reason: "",
  createdAt: start,
  startedAt: at(1),
  state: "succeeded",
  phases: [
    phase("fetch", 1, 1),
    phase("jobs", 1, 3),
    phase("build", 3, 5),
    { name: "scan", state: "skipped" },
    phase("stage", 5, 8),
    phase("approve", 8, 30),
    phase("deploy", 30, 46),
  ],
};

function rollout(startedAt: number, steps: readonly [Step, number, number][], cutOverAt?: number): Rollout {
  const id = "dep_1" as DeploymentId;
  const last = Math.max(...steps.map(([, , to]) => to));
  const deployment: Deployment = {
    id,
    scope: shop,
    kind: "deploy",
    state: "succeeded",
    requestedBy: "ada",
    reason: "",
    createdAt: at(startedAt),
    startedAt: at(startedAt),
    finishedAt: at(last),
    ...(cutOverAt === undefined ? {} : { cutOverAt: at(cutOverAt) }),
  };
  const journal = steps.flatMap(([step, from, to], index): JournalEntry[] => {
    const common = { seq: index, deployment: id, key: step.kind, step };
    return [
      { ...common, event: "stepStarted", at: at(from), wave: 0, total: 1, done: 0 },
      { ...common, event: "stepDone", at: at(to), durationMs: (to - from) * minute },
    ];
  });
  return { deployment, journal };
}

const waitReady = { kind: "waitReady", service: "web", replica: "r", timeoutSeconds: 1 } as unknown as Step;
const canary = { kind: "watchCanary", service: "web" } as unknown as Step;
const facts: TimelineFacts = {
  run,
  staging: rollout(5, [
    [waitReady, 5, 7],
    [{ kind: "smoke", service: "web" }, 7, 8],
  ]),
  production: rollout(
    30,
    [
      [waitReady, 31, 35],
      [canary, 35, 45],
      [{ kind: "cutOver", services: [] }, 45, 46],
    ],
    46,
  ),
  warmUntil: at(106),
  now: at(200),
};

const clock = (ms: number | undefined) =>
  ms === undefined
    ? "-"
    : `${Math.floor(ms / minute / 60)}:${String(Math.floor(ms / minute) % 60).padStart(2, "0")}`;

describe("the timeline of a run (R-072)", () => {
  it("has the ten steps with their planned times, and what each took", () => {
    const rows = timelineOf(facts);
    const text = rows.map(
      (row) => `${row.step} ${clock(row.plannedAt)} ${clock(row.actualAt)} ${clock(row.actualFor)}`,
    );
    expect(text).toEqual([
      "merge 0:00 0:00 0:00",
      "CI start 0:01 0:01 0:01",
      "lint & build 0:05 0:05 0:04",
      "staging 0:07 0:07 0:02",
      "smoke 0:08 0:08 0:01",
      "approval 0:30 0:30 0:22",
      "green up 0:35 0:35 0:05",
      "canary 0:45 0:45 0:10",
      "cut-over 0:46 0:46 0:01",
      "rollback window 1:46 1:46 1:00",
    ]);
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(["done"]));
  });

  it("counts on while it waits, and leaves open what is to come", () => {
    const phases = run.phases.map((one): PhaseRecord => {
      if (one.name === "approve") return { name: "approve", state: "waiting", startedAt: at(8) };
      return one.name === "deploy" ? { name: "deploy", state: "pending" } : one;
    });
    const { production: _none, ...before } = facts;
    const rows = timelineOf({ ...before, run: { ...run, phases }, now: at(20) });
    expect(rows.slice(5).map(({ step, state, actualFor }) => [step, state, clock(actualFor)])).toEqual([
      ["approval", "running", "0:12"],
      ["green up", "pending", "-"],
      ["canary", "pending", "-"],
      ["cut-over", "pending", "-"],
      ["rollback window", "pending", "-"],
    ]);
  });

  it("says what was left out and what failed", () => {
    const phases = run.phases.map((one): PhaseRecord => {
      if (one.name === "jobs") return { ...one, state: "failed" };
      return one.name === "stage" || one.name === "approve" ? { name: one.name, state: "skipped" } : one;
    });
    const { staging: _none, ...rest } = facts;
    const states = timelineOf({ ...rest, run: { ...run, phases } }).map(({ state }) => state);
    expect(states.slice(2, 6)).toEqual(["failed", "skipped", "skipped", "skipped"]);
  });
});
