import { messageOf } from "../lib/platform-error.ts";
import { withEntry } from "../policy/incident-record.ts";
import { nodeOf, type RecoveryNode, recoveryTree } from "../policy/recovery-tree.ts";
import { countBegun, type StepOutcome, stepWalk, type Walk } from "../policy/recovery-walk.ts";
import { actions } from "./actions.ts";
import { checks } from "./checks.ts";
import type { IncidentBook } from "./incident-book.ts";
import type { RecoveryParts } from "./parts.ts";
import { type StepContext, timeLimit } from "./step-context.ts";

/** What an action may take beyond its limit before it is given up: the engine then still takes the deployment back. */
const graceMs = 1000;

export type WalkOptions = {
  parts: RecoveryParts;
  book: IncidentBook;
  id: string;
  /** Called before each step: keeps the lease. */
  hold: (limitMs: number) => void;
  /** Calls people, now. */
  call: (id: string) => string;
};

/**
 * Takes an incident through its branch, step by step. Each step's outcome, the line of the timeline and the next place
 * are one write: killed anywhere, it goes on with the step that it was in.
 */
export async function walkBranch(options: WalkOptions, signal: AbortSignal): Promise<void> {
  const { parts, book, id, hold } = options;
  for (;;) {
    signal.throwIfAborted();
    const { walk } = book.get(id);
    if (!walk || walk.end !== undefined) return;
    const node = nodeOf(recoveryTree[walk.branch], walk.node);
    if (node.kind === "end") return;
    const limitMs = node.limitSeconds * 1000 + graceMs;
    hold(limitMs);
    if (node.kind === "action") beginAction(options, walk);
    const left = walk.nodeSince + limitMs - parts.clock.now();
    const limit = timeLimit(parts.clock, node.kind === "action" ? left : limitMs);
    let done: Done;
    try {
      done = await take(options, node, AbortSignal.any([signal, limit.signal]));
    } catch (error) {
      if (signal.aborted) throw error;
      done = failed(parts, node, error);
    } finally {
      limit.done();
    }
    record(options, node, done);
    parts.onStep?.(id, node.id);
  }
}

type Done = { outcome: StepOutcome; lines: readonly Line[] };
type Line = { kind: "question" | "action" | "probe" | "verified" | "call"; text: string };

function beginAction({ parts, book, id }: WalkOptions, walk: Walk): void {
  if (walk.doing) return;
  book.change(id, (incident) =>
    incident.walk ? { ...incident, walk: countBegun(incident.walk) } : incident,
  );
  parts.onStep?.(id, `${walk.node} begun`);
}

async function take(
  { parts, book, id, call }: WalkOptions,
  node: Exclude<RecoveryNode, { kind: "end" }>,
  signal: AbortSignal,
): Promise<Done> {
  const context: StepContext = { parts, book, id, signal };
  if (node.kind === "question") {
    const { yes, detail, entry } = await untilAborted(checks[node.check](context), signal);
    const question = `${node.text} ${yes ? "Yes" : "No"}${detail === "" ? "" : `: ${detail}`}`;
    const lines: Line[] = [{ kind: "question", text: question }];
    if (entry && isLine(entry)) lines.push(entry);
    return { outcome: { kind: "answer", yes, detail }, lines };
  }
  if (node.action === "escalate") {
    const text = call(id);
    return { outcome: { kind: "done", detail: text }, lines: [{ kind: "call", text }] };
  }
  const text = await untilAborted(actions[node.action](context), signal);
  // Waiting is no news: the question after it says what came of it.
  const kind = node.action === "awaitHealth" ? "question" : "action";
  return { outcome: { kind: "done", detail: text }, lines: [{ kind, text }] };
}

/** Something that hangs in a driver must not hold up the recovery. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function isLine(entry: { kind: string; text: string }): entry is Line {
  return entry.kind === "probe" || entry.kind === "verified";
}

function failed(parts: RecoveryParts, node: RecoveryNode, error: unknown): Done {
  const detail = messageOf(error);
  parts.log("warn", `recovery: ${node.text}: ${detail}`);
  if (node.kind === "question")
    return {
      outcome: { kind: "answer", yes: false, detail },
      lines: [{ kind: "question", text: `${node.text} No: ${detail}` }],
    };
  return {
    outcome: { kind: "failed", detail },
    lines: [{ kind: "action", text: `${node.text}: failed: ${detail}` }],
  };
}

function record({ parts, book, id }: WalkOptions, node: RecoveryNode, { outcome, lines }: Done): void {
  const at = parts.clock.now();
  book.change(id, (incident) => {
    const { walk, scope } = incident;
    if (!walk || walk.node !== node.id) return incident;
    const told = lines
      .map(({ kind, text }) => ({
        at,
        kind,
        by: "roadstead",
        text: scope ? parts.mask(scope, text) : text,
      }))
      .reduce(withEntry, incident);
    return { ...told, walk: stepWalk(walk, outcome, at) };
  });
}
