import type { IncidentClass } from "./alert-rule.ts";
import { nodeOf, type RecoveryBranch, type RecoveryEnd, recoveryTree } from "./recovery-tree.ts";

/** Where a recovery stands. Kept after every step, so that a killed control plane goes on from here. */
export type Walk = {
  branch: IncidentClass;
  node: string;
  /** Epoch ms at which the present node began: its time limit counts from here, also after a crash. */
  nodeSince: number;
  startedAt: number;
  /** How often each action was begun. */
  begun: Readonly<Record<string, number>>;
  /** Failures of the present action in a row. */
  failures: number;
  steps: number;
  /** The present action was begun, and the deployment that it started: after a crash it is waited for, not repeated. */
  doing?: { deployment?: string };
  end?: RecoveryEnd;
  endedAt?: number;
};

export type StepOutcome =
  | { kind: "answer"; yes: boolean; detail: string }
  | { kind: "done"; detail: string }
  | { kind: "failed"; detail: string };

/** A tree with loops ends here at the latest. */
const maxSteps = 60;

export function beginWalk(branch: RecoveryBranch, now: number): Walk {
  return {
    branch: branch.incident,
    node: branch.first,
    nodeSince: now,
    startedAt: now,
    begun: {},
    failures: 0,
    steps: 0,
  };
}

/** Before an action: it counts as begun even if nobody hears of its end. */
export function countBegun(walk: Walk): Walk {
  if (walk.doing) return walk;
  return { ...walk, doing: {}, begun: { ...walk.begun, [walk.node]: (walk.begun[walk.node] ?? 0) + 1 } };
}

/** The next place in the tree. */
export function stepWalk({ doing: _done, ...walk }: Walk, outcome: StepOutcome, now: number): Walk {
  const branch = recoveryTree[walk.branch];
  const node = nodeOf(branch, walk.node);
  if (node.kind === "end" || walk.end !== undefined) return walk;
  const steps = walk.steps + 1;
  if (steps >= maxSteps) return ended({ ...walk, steps }, "escalated", now);
  if (node.kind === "question") {
    const to = outcome.kind === "answer" && outcome.yes ? node.yes : node.no;
    return goTo({ ...walk, steps }, to, now);
  }
  if (outcome.kind !== "failed") return goTo({ ...walk, steps }, node.next, now);
  const failures = walk.failures + 1;
  if (failures < node.attempts) return { ...walk, steps, failures, nodeSince: now };
  return goTo({ ...walk, steps }, node.failed, now);
}

/** After it seemed resolved it failed again: the tree goes on where its help ended, it does not begin anew. */
export function relapse(walk: Walk, now: number): Walk {
  const { end: _end, endedAt: _at, doing: _doing, ...rest } = walk;
  return { ...rest, node: "again", nodeSince: now, failures: 0 };
}

/** A node of the branch again, e.g. the confirmed rebuild after a breach was contained. */
export function resumeAt(walk: Walk, node: string, now: number): Walk {
  const { end: _end, endedAt: _at, doing: _doing, ...rest } = walk;
  return { ...rest, node, nodeSince: now, failures: 0, steps: 0 };
}

function goTo(walk: Walk, to: string, now: number): Walk {
  const next = nodeOf(recoveryTree[walk.branch], to);
  const moved = { ...walk, node: to, nodeSince: now, failures: 0 };
  return next.kind === "end" ? ended(moved, next.end, now) : moved;
}

function ended(walk: Walk, end: RecoveryEnd, now: number): Walk {
  return { ...walk, end, endedAt: now };
}
