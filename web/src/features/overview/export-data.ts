import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { scopeText } from "../../ui/scope-text.ts";

/** One row of the export: which panel, what of, which value. */
export type ExportRow = { panel: string; subject: string; name: string; value: string | number };

/** The board as rows, panel by panel in their order. */
export function exportRows(board: OverviewView): ExportRow[] {
  const { health, projects, responseTime, utilisation, alerts, databases, dependencies } = board;
  const rows: ExportRow[] = [];
  const add = (panel: string, subject: string, values: Record<string, string | number | undefined>) => {
    for (const [name, value] of Object.entries(values))
      if (value !== undefined) rows.push({ panel, subject, name, value });
  };
  add("System Health Overview", "", {
    "healthy services": health.services.healthy,
    "total services": health.services.total,
    "requests per second": health.requestRate.perSecond,
    "error share": health.errorRate.share,
    "mean latency ms": health.latency.meanMs,
  });
  for (const { scope, backend, web, landing, availability, lastDeploy } of projects)
    add("Service Status", scopeText(scope), {
      backend: backend?.state,
      web: web?.state,
      landing: landing?.state,
      availability,
      "last deploy": lastDeploy && new Date(lastDeploy.at).toISOString(),
    });
  for (const { scope, service, points } of responseTime.series)
    for (const { at, p95 } of points)
      add("Response Time", `${scopeText(scope)}/${service}`, {
        [`p95 ms at ${new Date(at).toISOString()}`]: p95,
      });
  add("Resource Utilization", "host", {
    "CPU %": utilisation.cpu.percent,
    "memory %": utilisation.memory.percent,
    "disk bytes/s": utilisation.disk.bytesPerSecond,
  });
  for (const [name, { top }] of Object.entries(utilisation))
    for (const { scope, service, value } of top)
      add("Resource Utilization", `${scopeText(scope)}/${service}`, { [`top ${name}`]: value });
  for (const { severity, subject, message, since } of alerts)
    add("Active Alerts", subject, { severity, message, since: new Date(since).toISOString() });
  for (const { scope, service, database, ...values } of databases)
    add("Database Performance", `${scopeText(scope)}/${service}/${database}`, values);
  for (const { scope, name, checkedAt, ...values } of dependencies)
    add("External Dependencies", `${scopeText(scope)}/${name}`, {
      ...values,
      checkedAt: checkedAt === undefined ? undefined : new Date(checkedAt).toISOString(),
    });
  return rows;
}

/** A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function csvCell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function asCsv(rows: readonly ExportRow[]): string {
  const lines = rows.map(({ panel, subject, name, value }) =>
    [panel, subject, name, value].map(csvCell).join(","),
  );
  return ["panel,subject,name,value", ...lines, ""].join("\r\n");
}
