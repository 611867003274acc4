import type { RecoverableView, RestoreView } from "../../api/contract/restores.ts";
import { formatBytes } from "../../lib/bytes.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago } from "./time.ts";

/** What will come back, and who is restarted for it. */
export function renderForeseen({ scope, items }: Pick<RestoreView, "scope" | "items">): string {
  const lines = items.map(
    ({ source, from, services }) =>
      `${source}: ${fromWords(from)}; restarts ${services.join(", ")} of ${scope.stack}/${scope.environment}`,
  );
  return `${lines.join("\n")}\n`;
}

/** One line a restore, newest first. */
export function renderRestores(restores: readonly RestoreView[], now: number, style: Style): string {
  if (restores.length === 0) return "Nothing was restored yet.\n";
  const rows = restores.map((run) => [
    run.id,
    run.kind,
    run.items.map(({ source }) => source).join(", "),
    ago(run.createdAt, now),
    wordFor(run, style),
    leftOver(run),
  ]);
  return renderTable(["RESTORE", "KIND", "OF", "BEGUN", "STATE", ""], rows, style);
}

/** Everything about one: what came back, how old it is, and what it took. */
export function renderRestore(run: RestoreView, style: Style): string {
  const lines = [
    `${run.id}  ${run.kind} of ${run.scope.stack}/${run.scope.environment}  ${wordFor(run, style)}`,
  ];
  for (const { source, from, rows, checks = [], shows } of run.items) {
    lines.push(
      `  ${source}: ${fromWords(from)}${rows === undefined ? "" : `, ${rows} rows or files, proven`}`,
    );
    if (shows !== undefined && run.kind === "restore")
      lines.push(`    shows ${time(shows)}: RPO ${seconds(run.createdAt - shows)} before it was asked for`);
    for (const { check, ok, detail } of checks)
      lines.push(`    ${ok ? "ok" : "FAILED"}  ${check}: ${detail}`);
  }
  if (run.switchedAt !== undefined) {
    const built =
      run.builtAt === undefined
        ? ""
        : `, of that ${seconds(run.switchedAt - run.builtAt)} after it was proven`;
    lines.push(`  RTO ${seconds(run.switchedAt - run.createdAt)} from the request until it serves${built}`);
  }
  if (run.safety !== undefined) lines.push(`  what served before was copied as ${run.safety}`);
  for (const note of run.notes) lines.push(`  note: ${note}`);
  if (run.failure) lines.push(`  ${style.bad(run.failure.message)}`, `  ${run.failure.hint ?? ""}`);
  const left = leftOver(run);
  if (left !== "") lines.push(`  ${left}`);
  return `${lines.join("\n")}\n`;
}

/** How far back each database can go, to the second. */
export function renderPoints(sources: readonly RecoverableView[], now: number, style: Style): string {
  if (sources.length === 0)
    return "No database has points in time: set x-roadstead.backups.sources.<service>.pointInTime.\n";
  const rows = sources.map(({ source, earliest, latest, logBytes, points, problem }) => [
    source,
    earliest === undefined ? "none yet" : time(earliest),
    latest === undefined ? "none yet" : `${time(latest)} (${ago(latest, now)})`,
    formatBytes(logBytes),
    points
      .map(({ name }) => name)
      .slice(0, 3)
      .join(", "),
    problem === undefined ? "" : style.bad(problem),
  ]);
  return renderTable(["SOURCE", "EARLIEST", "LATEST", "LOG", "POINTS", ""], rows, style);
}

function leftOver({ id, kind, state, releasedAt, undoneBy }: RestoreView): string {
  if (kind === "undo" || state !== "done") return "";
  if (releasedAt !== undefined) return "released";
  if (undoneBy !== undefined) return `taken back; free the room: roadstead restore release ${id}`;
  return `take it back: roadstead restore undo ${id}; free the room: roadstead restore release ${id}`;
}

function wordFor({ state, phase }: RestoreView, style: Style): string {
  if (state === "done") return style.good("done");
  return state === "failed" ? style.bad("failed") : `${state}, ${phase}`;
}

function fromWords(from: RestoreView["items"][number]["from"]): string {
  if (from.kind === "backup") return `${from.backup} of ${time(from.takenAt)}`;
  if (from.name !== undefined) return `the point ${from.name}`;
  return from.at === undefined ? "the last moment there is" : `the moment ${time(from.at)}`;
}

function time(at: number): string {
  return new Date(at).toISOString();
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
