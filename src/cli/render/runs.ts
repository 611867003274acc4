import type { RunView } from "../../api/contract/delivery.ts";
import { formatSeconds } from "../../lib/duration.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago } from "./time.ts";

const shownSubject = 40;

/** Newest first: what was delivered, where to, and how it ended or what it waits for. */
export function renderRuns(runs: readonly RunView[], now: number, style: Style): string {
  if (runs.length === 0)
    return "Nothing was delivered yet.\n  git push http://roadstead@HOST/git/STACK.git main, or: roadstead push\n";
  const rows = runs.map((run) => [
    run.id,
    `${run.scope.stack} (${run.scope.environment})`,
    `${run.ref} ${run.commit.slice(0, 7)}`,
    clipped(run.subject),
    ago(run.createdAt, now),
    stateOf(run, style),
  ]);
  return renderTable(["RUN", "STACK", "COMMIT", "CHANGE", "BEGAN", ""], rows, style);
}

/** One run as a timeline: each phase with its time and its result. */
export function renderRun(run: RunView, now: number, style: Style): string {
  const head = `${run.scope.stack} (${run.scope.environment})  ${run.ref} ${run.commit.slice(0, 7)}  ${run.subject}`;
  const by = `${run.trigger} by ${run.requestedBy}, ${run.author === "" ? "" : `written by ${run.author}, `}${ago(run.createdAt, now)}`;
  const rows = run.phases.map((phase) => [
    markOf(phase.state, style),
    phase.name,
    timeOf(phase, now),
    phase.state === "failed" ? "" : (phase.detail ?? ""),
  ]);
  const lines = [head, style.dim(by), "", renderTable(["", "PHASE", "TIME", ""], rows, style).trimEnd(), ""];
  const whole = formatSeconds(((run.finishedAt ?? now) - run.createdAt) / 1000);
  lines.push(`${stateOf(run, style)} after ${whole}`);
  if (run.failure) {
    lines.push(`${style.bad(run.failure.message)}`);
    for (const line of run.failure.lastLines ?? []) lines.push(style.dim(`  | ${line}`));
    if (run.failure.hint !== undefined) lines.push(`  ${run.failure.hint}`);
  }
  return `${lines.join("\n")}\n`;
}

export function stateOf(run: RunView, style: Style): string {
  switch (run.state) {
    case "succeeded":
      return style.good("serves");
    case "failed":
    case "rejected":
      return style.bad(run.failure ? `${run.state} in ${run.failure.phase}` : run.state);
    case "waiting":
      return style.warn(run.phases.find((phase) => phase.state === "waiting")?.detail ?? "waiting");
    case "running":
      return style.warn(run.phases.find((phase) => phase.state === "running")?.name ?? "running");
    case "queued":
    case "aborted":
    case "superseded":
      return style.dim(run.state);
  }
}

function markOf(state: RunView["phases"][number]["state"], style: Style): string {
  switch (state) {
    case "done":
      return style.good("✓");
    case "failed":
      return style.bad("✗");
    case "running":
    case "waiting":
      return style.warn("•");
    case "pending":
    case "skipped":
      return style.dim("-");
  }
}

function timeOf({ startedAt, finishedAt, state }: RunView["phases"][number], now: number): string {
  if (startedAt === undefined) return state === "skipped" ? "skipped" : "";
  return formatSeconds(((finishedAt ?? now) - startedAt) / 1000);
}

function clipped(text: string): string {
  return text.length > shownSubject ? `${text.slice(0, shownSubject - 1)}…` : text;
}
