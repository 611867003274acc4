import type { StepKind } from "../rollout/step.ts";
import type { Deployment, JournalEntry } from "../store/port.ts";
import type { PhaseName, Run } from "./run.ts";

/** The ten steps from a merge to the end of its rollback window, with what each is meant to take. */
const plan = [
  { step: "merge", minutes: 0 },
  { step: "CI start", minutes: 1 },
  { step: "lint & build", minutes: 4 },
  { step: "staging", minutes: 2 },
  { step: "smoke", minutes: 1 },
  { step: "approval", minutes: 22 },
  { step: "green up", minutes: 5 },
  { step: "canary", minutes: 10 },
  { step: "cut-over", minutes: 1 },
  { step: "rollback window", minutes: 60 },
] as const;

export type TimelineStep = (typeof plan)[number]["step"];

/** Times in ms; `…At` is the end of the step, counted from the merge. */
export type TimelineRow = {
  step: TimelineStep;
  plannedAt: number;
  plannedFor: number;
  actualAt?: number;
  actualFor?: number;
  state: "done" | "running" | "pending" | "skipped" | "failed";
};

export type Rollout = { deployment: Deployment; journal: readonly JournalEntry[] };

export type TimelineFacts = {
  run: Run;
  /** Of the last environment before. */
  staging?: Rollout;
  production?: Rollout;
  /** Until when what was replaced is kept warm. */
  warmUntil?: number;
  now: number;
};

type Span = { state: TimelineRow["state"]; from?: number; to?: number };

/** Planned against actual, for a run that is under way as for one that has ended. */
export function timelineOf(facts: TimelineFacts): TimelineRow[] {
  const spans = actual(facts);
  let plannedAt = 0;
  return plan.map(({ step, minutes }) => {
    const plannedFor = minutes * 60_000;
    plannedAt += plannedFor;
    const { state, from, to } = spans[step];
    const end = to ?? (state === "running" ? facts.now : undefined);
    return {
      step,
      plannedAt,
      plannedFor,
      ...(end === undefined || from === undefined
        ? {}
        : { actualAt: end - facts.run.createdAt, actualFor: end - from }),
      state,
    };
  });
}

function actual({ run, staging, production, warmUntil, now }: TimelineFacts): Record<TimelineStep, Span> {
  const { createdAt, startedAt } = run;
  const smoke = staging && stepsOf(staging, ["smoke"]);
  const stage = ofPhases(run, ["stage"]);
  return {
    merge: { state: "done", from: createdAt, to: createdAt },
    "CI start":
      startedAt === undefined ? { state: "pending" } : { state: "done", from: createdAt, to: startedAt },
    "lint & build": ofPhases(run, ["fetch", "jobs", "build", "scan", "push"]),
    staging:
      smoke?.from === undefined || stage.state === "failed"
        ? stage
        : { ...stage, state: "done", to: smoke.from },
    smoke: smoke ?? { state: stage.state === "skipped" ? "skipped" : "pending" },
    approval: ofPhases(run, ["approve"]),
    "green up": greenUp(run, production),
    canary: production ? stepsOf(production, ["watchCanary"]) : { state: "pending" },
    "cut-over": production ? stepsOf(afterCanary(production), ["route", "cutOver"]) : { state: "pending" },
    "rollback window": windowOf(production, warmUntil, now),
  };
}

/** From the first beginning to the last end of these phases. */
function ofPhases(run: Run, names: readonly PhaseName[]): Span {
  const phases = run.phases.filter(({ name }) => names.includes(name));
  const counted = phases.filter(({ state }) => state !== "skipped");
  if (counted.length === 0) return { state: "skipped" };
  const began = counted.flatMap((phase) => phase.startedAt ?? []);
  if (began.length === 0) return { state: "pending" };
  const from = Math.min(...began);
  const ended = counted.flatMap((phase) => phase.finishedAt ?? []);
  const failed = counted.some(({ state }) => state === "failed");
  if (!failed && ended.length < counted.length) return { state: "running", from };
  return { state: failed ? "failed" : "done", from, to: Math.max(...ended, from) };
}

/** From the first beginning to the last end of a deployment's steps of these kinds. */
function stepsOf({ deployment, journal }: Rollout, kinds: readonly StepKind[]): Span {
  const entries = journal.filter((entry) => "step" in entry && kinds.includes(entry.step.kind));
  const [first] = entries;
  const over = deployment.finishedAt !== undefined;
  if (!first) return { state: over ? "skipped" : "pending" };
  const open = new Set<string>();
  for (const entry of entries) {
    if (entry.event === "stepStarted") open.add(entry.key);
    else if ("key" in entry) open.delete(entry.key);
  }
  if (open.size > 0 && !over) return { state: "running", from: first.at };
  const failed = entries.some(({ event }) => event === "stepFailed");
  return { state: failed ? "failed" : "done", from: first.at, to: entries.at(-1)?.at ?? first.at };
}

/** A first release is routed to, and a canary's shares before its verdict are no cut-over. */
function afterCanary({ deployment, journal }: Rollout): Rollout {
  const last = journal.findLastIndex((entry) => "step" in entry && entry.step.kind === "watchCanary");
  return { deployment, journal: journal.slice(last + 1) };
}

/** The new replicas, from the deployment's beginning until the last of them is ready. */
function greenUp(run: Run, production: Rollout | undefined): Span {
  if (!production) return run.checksOnly ? { state: "skipped" } : { state: "pending" };
  const { deployment } = production;
  const ready = stepsOf(production, ["ensureImage", "ensureResources", "startReplica", "waitReady"]);
  const from = deployment.startedAt ?? ready.from;
  return from === undefined ? { state: ready.state } : { ...ready, from };
}

function windowOf(production: Rollout | undefined, warmUntil: number | undefined, now: number): Span {
  const cutOverAt = production?.deployment.cutOverAt;
  if (cutOverAt === undefined)
    return { state: production?.deployment.finishedAt === undefined ? "pending" : "skipped" };
  if (warmUntil === undefined) return { state: "skipped" };
  return now < warmUntil
    ? { state: "running", from: cutOverAt }
    : { state: "done", from: cutOverAt, to: warmUntil };
}
