import type { JournalEntryView } from "../../api/contract/models.ts";
import { formatSeconds } from "../../lib/duration.ts";
import type { Step } from "../../rollout/step.ts";
import { doneWords, stepWords } from "../../rollout/step-words.ts";
import type { Style } from "./style.ts";

/** What a deployment's journal says so far, reduced to what is shown. Built by `applyEntry`, drawn by the functions below. */
export type Progress = {
  running: ReadonlyMap<string, RunningStep>;
  done: number;
  total: number;
  state: string;
  lastSeq: number;
};

export type RunningStep = { step: Step; startedAt: number; lastOutput?: string };

export const noProgress: Progress = { running: new Map(), done: 0, total: 0, state: "queued", lastSeq: 0 };

/** The progress after one more journal entry; entries seen before (a reconnected stream) change nothing. */
export function applyEntry(progress: Progress, entry: JournalEntryView): Progress {
  if (entry.seq <= progress.lastSeq) return progress;
  const running = new Map(progress.running);
  const next = { ...progress, running, lastSeq: entry.seq };
  switch (entry.event) {
    case "stepStarted":
      running.set(entry.key, { step: entry.step, startedAt: entry.at });
      return { ...next, total: Math.max(entry.total, entry.done), done: entry.done };
    case "stepDone":
      running.delete(entry.key);
      return { ...next, done: progress.done + 1 };
    case "stepFailed":
      running.delete(entry.key);
      return next;
    case "output": {
      const known = running.get(entry.key);
      if (known) running.set(entry.key, { ...known, lastOutput: entry.line });
      return next;
    }
    case "stateChanged":
      return { ...next, state: entry.state };
  }
}

/** The line that stays: a step that ended, or a change of the whole deployment. Undefined for entries that leave none. */
export function lineOf(entry: JournalEntryView, style: Style, verbose = false): string | undefined {
  switch (entry.event) {
    case "stepDone":
      return `${style.good("✓")} ${withTime(doneWords(entry.step), entry.durationMs, style)}${resultOf(entry, style)}`;
    case "stepFailed":
      return `${style.bad("✗")} ${withTime(stepWords(entry.step), entry.durationMs, style)}`;
    case "stateChanged":
      return isWorthALine(entry.state) ? `${style.warn("•")} ${entry.message}` : undefined;
    case "output":
      return verbose ? style.dim(`  | ${entry.line}`) : undefined;
    case "stepStarted":
      return undefined;
  }
}

/** The lines that are redrawn in a terminal: what runs now, since when, and the last thing that it said. */
export function liveLines(progress: Progress, now: number, width: number, style: Style): string[] {
  const lines = [...progress.running.values()].map(({ step, startedAt, lastOutput }) => {
    const since = now - startedAt < 1000 ? "" : `  ${formatSeconds(Math.floor((now - startedAt) / 1000))}`;
    const text = `${stepWords(step)}${since}`;
    const said = lastOutput === undefined ? "" : `  ${lastOutput.trim()}`;
    const cut = `${text}${said}`.slice(0, Math.max(20, width - 3));
    return `${style.accent("●")} ${cut.slice(0, text.length)}${style.dim(cut.slice(text.length))}`;
  });
  if (progress.total > 0)
    lines.push(style.dim(`  ${bar(progress)} ${progress.done} of ${progress.total} steps`));
  return lines;
}

function bar(progress: Progress): string {
  const width = 24;
  const filled = Math.min(width, Math.round((width * progress.done) / Math.max(1, progress.total)));
  return "━".repeat(filled) + "┄".repeat(width - filled);
}

function withTime(words: string, durationMs: number, style: Style): string {
  return durationMs < 50 ? words : `${words}  ${style.dim(formatSeconds(durationMs / 1000))}`;
}

function resultOf(entry: Extract<JournalEntryView, { event: "stepDone" }>, style: Style): string {
  const { result } = entry;
  if (result === undefined) return "";
  switch (result.kind) {
    case "image":
      return style.dim(`  ${result.description}`);
    case "job":
      return style.dim(`  exit ${result.exitCode}`);
    case "verdict":
      return style.dim(`  ${result.verdict}: ${result.detail}`);
    case "smoke":
      return style.dim(`  ${result.passed} passed`);
    default:
      return "";
  }
}

function isWorthALine(state: string): boolean {
  return state === "returning" || state === "queued" || state === "superseded" || state === "aborted";
}
