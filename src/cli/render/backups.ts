import type { BackupPlanView, BackupRepositoryView, BackupView } from "../../api/contract/backups.ts";
import { formatBytes } from "../../lib/bytes.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago } from "./time.ts";

const shownParts = 30;

/** One line a backup, newest first. */
export function renderBackups(backups: readonly BackupView[], now: number, style: Style): string {
  if (backups.length === 0) return "No backups yet: roadstead backup run\n";
  const rows = backups.map((run) => [
    run.id,
    run.source,
    run.kind,
    ago(run.snapshot?.takenAt ?? run.createdAt, now),
    run.snapshot ? formatBytes(run.snapshot.sizeBytes) : "",
    wordFor(run, style),
    noteOf(run),
  ]);
  return renderTable(["BACKUP", "SOURCE", "KIND", "TAKEN", "SIZE", "VERDICT", ""], rows, style);
}

/** What is covered, and then what is not. */
export function renderBackupPlan(plan: BackupPlanView, now: number, style: Style): string {
  const { sources, uncovered, repository, schedule } = plan;
  const when = schedule === undefined ? "by hand only" : `${schedule.cron} (${schedule.timeZone})`;
  const head =
    repository === undefined
      ? `${style.bad("No repository: nothing is backed up.")} Add one: roadstead backup repository add NAME PATH-OR-S3-URL\n`
      : `To ${repository}, ${when}\n`;
  const rows = sources.map((source) => [
    source.priority,
    source.name,
    source.kind,
    source.last ? ago(source.last.snapshot?.takenAt ?? source.last.createdAt, now) : "never",
    source.supported
      ? source.last
        ? wordFor(source.last, style)
        : style.warn("unverified")
      : style.bad("not possible here"),
    source.lastVerified?.snapshot ? ago(source.lastVerified.snapshot.takenAt, now) : "never",
    source.nextAt === undefined ? "" : new Date(source.nextAt).toISOString().slice(0, 16).replace("T", " "),
  ]);
  const header = ["PRIORITY", "SOURCE", "KIND", "LAST", "VERDICT", "LAST VERIFIED", "NEXT (UTC)"];
  const table = rows.length === 0 ? "Nothing was found to back up.\n" : renderTable(header, rows, style);
  const left = uncovered.map(({ name, why, fix }) => [name, why, fix]);
  const rest = left.length === 0 ? "" : `\n${renderTable(["NOT COVERED", "BECAUSE", "FIX"], left, style)}`;
  return `${head}\n${table}${rest}`;
}

/** Everything about one. */
export function renderBackup(run: BackupView, now: number, style: Style): string {
  const { snapshot, manifest, checks = [], reasons = [] } = run;
  const lines = [
    `${run.id}  ${run.scope.stack}/${run.scope.environment} ${run.source} (${run.kind}, ${run.priority})`,
    `verdict   ${wordFor(run, style)}${reasons.length === 0 ? "" : `: ${reasons.join("; ")}`}`,
    `asked for ${ago(run.createdAt, now)} by ${run.requestedBy}${run.reason === "" ? "" : `: ${run.reason}`}`,
    ...(snapshot
      ? [
          `taken     ${new Date(snapshot.takenAt).toISOString()}, ${formatBytes(snapshot.sizeBytes)} in ${seconds(run.dumpMs)}${snapshot.addedBytes === undefined ? "" : `, ${formatBytes(snapshot.addedBytes)} of them new`}`,
          `stored    ${run.repository} ${snapshot.id.slice(0, 12)}${run.forgottenAt === undefined ? "" : ", removed by retention"}${run.pinned === undefined ? "" : `, kept: ${run.pinned}`}`,
        ]
      : []),
    ...(run.verifyMs === undefined ? [] : [`verified  read back and restored in ${seconds(run.verifyMs)}`]),
    ...(run.failure ? [`failed    ${run.failure.message}`] : []),
    ...(run.warning === undefined ? [] : [`warning   ${run.warning}`]),
    ...checks.map(
      ({ check, ok, detail }) => `check     ${ok ? style.good("ok") : style.bad("no")}  ${check}: ${detail}`,
    ),
    ...(manifest ? [`holds     ${manifest.engine}, ${manifest.parts.length} parts`] : []),
    ...(manifest?.parts ?? []).slice(0, shownParts).map(({ name, rows }) => `          ${name}: ${rows}`),
  ];
  return `${lines.join("\n")}\n`;
}

export function renderRepositories(repositories: readonly BackupRepositoryView[], style: Style): string {
  if (repositories.length === 0)
    return "No repository: roadstead backup repository add NAME PATH-OR-S3-URL\n";
  const rows = repositories.map(({ name, location, isDefault }) => [
    name,
    location,
    isDefault ? "default" : "",
  ]);
  return renderTable(["REPOSITORY", "WHERE", ""], rows, style);
}

function wordFor({ state, verdict, phase }: BackupView, style: Style): string {
  if (state === "queued") return "queued";
  if (state === "running") return phase;
  if (verdict === "verified") return style.good("verified");
  return verdict === "unverified" ? style.warn("unverified") : style.bad(verdict ?? "failed");
}

function noteOf({ failure, reasons = [], forgottenAt, pinned, warning }: BackupView): string {
  if (failure) return failure.message;
  if (reasons.length > 0) return reasons.slice(0, 2).join("; ");
  if (forgottenAt !== undefined) return "removed by retention";
  return warning ?? (pinned === undefined ? "" : `kept: ${pinned}`);
}

function seconds(ms: number | undefined): string {
  return `${((ms ?? 0) / 1000).toFixed(1)} s`;
}
