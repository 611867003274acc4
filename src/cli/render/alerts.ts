import type { AlertRuleView, AlertView, PastAlertView, SilenceView } from "../../api/contract/alerts.ts";
import { formatSeconds } from "../../lib/duration.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago, left } from "./time.ts";

type Severity = AlertView["severity"];

/** The legend's symbols and words, the same as in messages (R-192). */
const signs: Readonly<Record<Severity, string>> = {
  info: "ℹ️  INFO",
  warning: "⚠️  WARNING",
  critical: "🚨 CRITICAL",
};

const noChannel =
  "No notification channel: nobody is told of alerts. Add one: roadstead notify add NAME --kind email …\n";

/** What is wrong now, then who is not told, then whether anybody is. */
export function renderAlerts(
  {
    alerts,
    silences,
    channels,
  }: { alerts: readonly AlertView[]; silences: readonly SilenceView[]; channels: number },
  now: number,
  style: Style,
): string {
  const rows = alerts.map((alert) => [
    painted(alert.severity, style),
    aboutOf(alert, style),
    alert.message,
    ago(alert.since, now),
    notesOf(alert),
    style.dim(alert.id),
  ]);
  const table = rows.length === 0 ? "" : renderTable(["", "ABOUT", "WHAT", "SINCE", "", "ID"], rows, style);
  const grave = alerts.some(({ severity }) => severity === "critical");
  const calm = grave ? "" : "🔕 No Critical Alerts\n";
  const details = alerts
    .filter(({ severity }) => severity === "critical")
    .map(
      ({ about, detail, hint }) =>
        `  ${style.bold(about)}: ${detail === undefined ? "" : `${detail}. `}${hint}\n`,
    );
  const quiet = silences.map(
    (one) => `  silence ${one.id}: ${matcher(one)}, ${left(one.until, now)}: ${one.reason}\n`,
  );
  return `${calm}${table}${details.join("")}${quiet.join("")}${channels === 0 ? style.warn(noChannel) : ""}`;
}

/** One line below `status`; nothing where all is well and somebody would be told. */
export function renderAlertLine(
  { alerts, channels }: { alerts: readonly AlertView[]; channels: number },
  style: Style,
): string {
  const count = alerts.length;
  const some =
    count === 0 ? "" : style.warn(`${count} ${count === 1 ? "alert" : "alerts"}: roadstead alerts\n`);
  return `${some}${channels === 0 ? style.dim(noChannel) : ""}`;
}

export function renderHistory(alerts: readonly PastAlertView[], now: number, style: Style): string {
  if (alerts.length === 0) return "No alert yet.\n";
  const rows = alerts.map((one) => [
    painted(one.severity, style),
    aboutOf(one, style),
    one.message,
    ago(one.resolvedAt, now),
    formatSeconds(Math.round((one.resolvedAt - one.firedAt) / 1000)),
    one.acknowledgedBy ?? "",
  ]);
  return renderTable(["", "ABOUT", "WHAT", "ENDED", "LASTED", "TAKEN BY"], rows, style);
}

/** Each rule, and below it what it sees now. */
export function renderRules(rules: readonly AlertRuleView[], style: Style): string {
  return rules
    .map((rule) => {
      const levels = rule.levels.map(
        ({ severity, threshold, forSeconds }) =>
          `${severity} ${threshold}${forSeconds === 0 ? "" : ` for ${formatSeconds(forSeconds)}`}`,
      );
      const own = rule.scope === undefined ? "" : style.dim(` only ${rule.scope}`);
      const values = rule.values.map(({ about, subject, text, severity }) => {
        const where =
          subject.scope === undefined || about === subject.scope ? "" : style.dim(` ${subject.scope}`);
        return `    ${about}${where}: ${severity === undefined ? text : style.warn(text)}\n`;
      });
      return `${style.bold(rule.name)}  ${rule.title}: ${levels.join(", ")}${own}\n${values.join("")}`;
    })
    .join("");
}

function aboutOf({ about, subject }: Pick<AlertView, "about" | "subject">, style: Style): string {
  const { scope } = subject;
  return scope === undefined || scope === about ? about : `${about}${style.dim(` ${scope}`)}`;
}

function painted(severity: Severity, style: Style): string {
  const paint = { info: style.dim, warning: style.warn, critical: style.bad }[severity];
  return paint(signs[severity]);
}

function notesOf({ acknowledged, quiet, flapping }: AlertView): string {
  return [
    acknowledged === undefined ? "" : `${acknowledged.by} has it`,
    quiet ?? "",
    flapping ? "flapping" : "",
  ]
    .filter((note) => note !== "")
    .join("; ");
}

function matcher({ stack, environment, service, rule }: SilenceView): string {
  const parts = [stack, environment, service, rule].filter((part) => part !== undefined);
  return parts.length === 0 ? "everything" : parts.join(" ");
}
