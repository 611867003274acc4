import { formatSeconds } from "../lib/duration.ts";
import type { IncidentClass } from "./alert-rule.ts";
import { checklistItems, checklistTexts, type Incident, recoveryTimes } from "./incident-record.ts";
import { recoveryTree } from "./recovery-tree.ts";

const titles: Readonly<Record<IncidentClass, string>> = {
  service: "Service Downtime",
  database: "Database Corruption",
  server: "Server Failure",
  security: "Security Breach",
};

/** `Service Downtime - chat-backend`. */
export function incidentTitle({ incident, service, scope }: Incident): string {
  return `${titles[incident]} - ${service ?? scope?.stack ?? "host"}`;
}

export function incidentSubject(incident: Incident): string {
  return `${incident.drill === undefined ? "[INCIDENT]" : "[DRILL]"} ${incidentTitle(incident)}`;
}

/** The message for stakeholders, from the record alone; times in UTC (R-212). */
export function incidentMessage(incident: Incident): string {
  return `Subject: ${incidentSubject(incident)}\n\n${incidentBody(incident)}`;
}

/** The same below its subject, for channels that show that themselves. */
export function incidentBody(incident: Incident): string {
  const { status, impact, affected, resolvedAt, startedAt, rootCause, causes, actionItems } = incident;
  const begun = Math.min(startedAt, incident.detectedAt);
  const [likely] = causes;
  const cause =
    rootCause ?? (likely ? `${likely.text} (${likely.likelihood}, not confirmed)` : "not known yet");
  const resolved =
    resolvedAt === undefined ? "not yet" : `${dateTime(resolvedAt)} (${took(resolvedAt - begun)})`;
  return [
    `Status: ${status}`,
    `Impact: ${impact}`,
    `Affected Users: ${affected ?? "not known"}`,
    `Started: ${dateTime(begun)}`,
    `Resolved: ${resolved}`,
    `RTO: ${target(recoveryTree[incident.incident].rtoSeconds)}`,
    "",
    "Timeline:",
    ...told(incident).map(({ at, text }) => `- ${time(at)}: ${text}`),
    "",
    `Root Cause: ${cause}`,
    "",
    "Action Items:",
    ...(actionItems.length === 0
      ? ["none yet"]
      : actionItems.map(
          ({ text, doneAt }, index) => `${index + 1}. ${text}${doneAt === undefined ? "" : " (done)"}`,
        )),
    "",
  ].join("\n");
}

/** The whole record for a post-mortem, as Markdown. */
export function postMortem(incident: Incident): string {
  const { rtoTarget, rto, rpoTarget, rpo, met } = recoveryTimes(incident);
  const { scope, service, status, startedAt, detectedAt, resolvedAt, closed } = incident;
  const where = scope === undefined ? "the host" : `${scope.stack} in ${scope.environment}`;
  const rows = [
    ["Id", incident.id],
    ["Where", service === undefined ? where : `${service} of ${where}`],
    ["Status", closed ? `${status}, closed by ${closed.by} at ${dateTime(closed.at)}` : status],
    ["Impact", incident.impact],
    ["Affected users", incident.affected ?? "not known"],
    [
      "Opened by",
      `${incident.openedBy}${incident.reporter === undefined ? "" : `, reported by ${incident.reporter}`}`,
    ],
    ["Started", precise(startedAt)],
    ["Detected", precise(detectedAt)],
    ["Resolved", resolvedAt === undefined ? "not yet" : precise(resolvedAt)],
    ["RTO", `${rto === undefined ? "open" : seconds(rto)} (target ${seconds(rtoTarget)})`],
    ...(rpoTarget === undefined
      ? []
      : [["RPO", `${rpo === undefined ? "not measured" : seconds(rpo)} (target ${seconds(rpoTarget)})`]]),
    ...(met === undefined ? [] : [["Within target", met ? "yes" : "no"]]),
  ];
  return [
    `# ${incidentTitle(incident)}`,
    "",
    "| | |",
    "|---|---|",
    ...rows.map(([name = "", value = ""]) => `| ${name} | ${cell(value)} |`),
    "",
    "## Timeline (UTC)",
    "",
    ...incident.timeline.map(
      ({ at, text, by }) => `- ${precise(at)} · ${line(text)}${by === "roadstead" ? "" : ` (${by})`}`,
    ),
    "",
    "## Root cause",
    "",
    incident.rootCause ?? "Not confirmed yet.",
    "",
    ...causesOf(incident),
    "## Action items",
    "",
    ...(incident.actionItems.length === 0
      ? ["None yet."]
      : incident.actionItems.map(
          ({ text, doneBy }) =>
            `- [${doneBy === undefined ? " " : "x"}] ${line(text)}${doneBy === undefined ? "" : ` (${doneBy})`}`,
        )),
    "",
    "## After the incident",
    "",
    ...checklistItems.map((item) => {
      const done = incident.checklist[item];
      return `- [${done ? "x" : " "}] ${checklistTexts[item]}${done ? ` (${done.by}, ${dateTime(done.at)})` : ""}`;
    }),
    "",
  ].join("\n");
}

/** Questions that were asked on the way are for the record, not for everybody. */
function told({ timeline }: Incident) {
  return timeline.filter(({ kind }) => kind !== "question");
}

function causesOf({ causes }: Incident): string[] {
  if (causes.length === 0) return [];
  return ["Candidates:", "", ...causes.map(({ text, likelihood }) => `- ${line(text)} (${likelihood})`), ""];
}

/** What people wrote stays one line of the list or table. */
function line(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ");
}

function cell(text: string): string {
  return line(text).replaceAll("|", "\\|");
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

/** `2025-11-27 12:34 UTC`. */
function dateTime(at: number): string {
  return `${iso(at).slice(0, 16).replace("T", " ")} UTC`;
}

/** `12:34 UTC`. */
function time(at: number): string {
  return `${iso(at).slice(11, 16)} UTC`;
}

function precise(at: number): string {
  return iso(at).slice(0, 23).replace("T", " ");
}

function took(ms: number): string {
  return formatSeconds(Math.max(0, ms) / 1000);
}

function seconds(value: number): string {
  return formatSeconds(value);
}

/** `2 minutes`, `2 hours`. */
function target(value: number): string {
  const [amount, unit] = value % 3600 === 0 ? [value / 3600, "hour"] : [value / 60, "minute"];
  return `${amount} ${unit}${amount === 1 ? "" : "s"}`;
}
