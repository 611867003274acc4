import type {
  DrillScheduleView,
  DrillView,
  IncidentView,
  RecoveryBranchView,
} from "../../api/contract/incidents.ts";
import { formatSeconds } from "../../lib/duration.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago } from "./time.ts";

export function renderIncidents(incidents: readonly IncidentView[], now: number, style: Style): string {
  if (incidents.length === 0) return "No incidents.\n";
  const rows = incidents.map((one) => [
    one.id,
    statusOf(one, style),
    one.drill === undefined ? one.title : `${one.title} ${style.dim("(drill)")}`,
    one.scope === undefined ? "host" : `${one.scope.stack}/${one.scope.environment}`,
    ago(one.startedAt, now),
    timesOf(one, style),
    one.closed ? style.dim("closed") : one.open.length === 0 ? "" : style.dim(`${one.open.length} open`),
  ]);
  return renderTable(["ID", "STATUS", "WHAT", "WHERE", "BEGAN", "RTO", ""], rows, style);
}

/** One incident, whole. */
export function renderIncident(one: IncidentView, style: Style): string {
  const facts = [
    `${style.bold(one.title)}  ${statusOf(one, style)}${one.closed ? `, closed by ${one.closed.by}` : ""}`,
    `${style.dim("id")}        ${one.id}`,
    `${style.dim("impact")}    ${one.impact}`,
    ...(one.affected === undefined ? [] : [`${style.dim("affected")}  ${one.affected}`]),
    ...(one.reporter === undefined ? [] : [`${style.dim("reporter")}  ${one.reporter}`]),
    ...(one.recovery === undefined
      ? []
      : [`${style.dim("recovery")}  ${one.recovery.text}${one.recovery.end === undefined ? " …" : ""}`]),
    `${style.dim("RTO")}       ${timesOf(one, style)}`,
    ...(one.times.rpoTarget === undefined
      ? []
      : [`${style.dim("RPO")}       ${figure(one.times.rpo)} of ${formatSeconds(one.times.rpoTarget)}`]),
    ...(one.evidence === undefined
      ? []
      : [`${style.dim("evidence")}  ${one.evidence.folder} (${one.evidence.files} files)`]),
  ];
  const timeline = one.timeline.map(
    ({ at, text, by }) =>
      `  ${style.dim(clock(at))}  ${text}${by === "roadstead" ? "" : style.dim(` (${by})`)}`,
  );
  const causes = one.causes.map(({ text, likelihood }) => `  ${text} ${style.dim(`(${likelihood})`)}`);
  const items = one.actionItems.map(
    ({ text, doneBy }, index) =>
      `  ${index + 1}. ${doneBy === undefined ? text : style.dim(`${text} (${doneBy})`)}`,
  );
  const list = one.checklist.map(
    ({ item, text, done }) => `  ${done ? style.good("✔") : "·"} ${item.padEnd(13)} ${text}`,
  );
  return [
    ...facts,
    ...section("Timeline (UTC)", timeline),
    ...section(one.rootCause === undefined ? "Possible causes" : `Root cause: ${one.rootCause}`, causes),
    ...section("Action items", items),
    ...section("Afterwards", list),
    "",
  ].join("\n");
}

/** A branch as it would be walked. */
export function renderBranch(branch: RecoveryBranchView, style: Style): string {
  const target = `RTO ${formatSeconds(branch.rtoTarget)}${branch.rpoTarget === undefined ? "" : `, RPO ${formatSeconds(branch.rpoTarget)}`}`;
  const lines = branch.steps.map((step) => {
    const ways =
      step.kind === "question"
        ? `yes → ${step.yes}, no → ${step.no}`
        : step.kind === "action"
          ? `then ${step.next}${step.failed === undefined ? "" : `, if it fails ${step.failed}`}`
          : "";
    const command = step.command === undefined ? "" : style.dim(`  roadstead ${step.command}`);
    return `  ${style.accent(step.id.padEnd(15))} ${step.text}${command}${ways === "" ? "" : `\n  ${" ".repeat(15)} ${style.dim(ways)}`}`;
  });
  return `${style.bold(branch.title)} (${target}, ${branch.automatic ? "automatic" : "begun by people"})\n${lines.join("\n")}\n`;
}

export function renderDrills(
  { drills, schedules }: { drills: readonly DrillView[]; schedules: readonly DrillScheduleView[] },
  now: number,
  style: Style,
): string {
  const rows = drills.map((drill) => [
    drill.branch,
    `${drill.scope.stack}/${drill.scope.environment}${drill.live ? " (live)" : ""}`,
    formatSeconds(drill.rtoTarget),
    figure(drill.rto),
    drill.rpoTarget === undefined ? "-" : figure(drill.rpo),
    verdict(drill, style),
    ago(drill.startedAt, now),
    drill.detail === undefined ? "" : style.dim(drill.detail),
  ]);
  const table =
    rows.length === 0
      ? "No drills yet: roadstead drill all\n"
      : renderTable(["BRANCH", "STACK", "TARGET", "ACHIEVED", "RPO", "", "WHEN", ""], rows, style);
  const planned = schedules.map(
    ({ scope, cron, timeZone, nextAt }) =>
      `Every ${cron} (${timeZone}): ${scope.stack}/${scope.environment}${nextAt === undefined ? "" : `, next ${new Date(nextAt).toISOString().slice(0, 16)}Z`}\n`,
  );
  return `${table}${planned.join("")}`;
}

function statusOf({ status, recovery }: IncidentView, style: Style): string {
  if (status === "RESOLVED") return style.good(status);
  return style.bad(recovery?.end === "contained" ? "CONTAINED" : status);
}

function timesOf({ times }: IncidentView, style: Style): string {
  const { rto, rtoTarget, met } = times;
  const text = `${figure(rto)} of ${formatSeconds(rtoTarget)}`;
  return met === undefined ? text : met ? style.good(text) : style.bad(text);
}

function figure(seconds: number | undefined): string {
  return seconds === undefined ? "-" : formatSeconds(seconds);
}

function verdict({ state }: DrillView, style: Style): string {
  switch (state) {
    case "passed":
      return style.good("pass");
    case "failed":
      return style.bad("FAIL");
    case "skipped":
      return style.dim("skipped");
    case "running":
      return "running";
  }
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}
