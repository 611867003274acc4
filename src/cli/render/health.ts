import type { ServiceStatusView } from "../../api/contract/models.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";

/** What `health` says of one service. */
export type HealthLine = {
  scope: { stack: string; environment: string };
  service: string;
  ok: boolean;
  state: ServiceStatusView["state"];
  message?: string;
  ready: number;
  wanted: number;
};

/** One line for each service; those that are ill in red. */
export function renderHealth(lines: readonly HealthLine[], style: Style): string {
  if (lines.length === 0) return "No service.\n";
  const rows = lines.map((line) => [
    line.ok ? style.good("✓") : style.bad("✗"),
    `${line.scope.stack} (${line.scope.environment})`,
    line.service,
    stateWords(line, style),
    `${line.ready}/${line.wanted}`,
    line.message ?? "",
  ]);
  return renderTable(["", "STACK", "SERVICE", "STATE", "READY", ""], rows, style);
}

export type HealthUrl = {
  service: string;
  url: string;
  ok: boolean;
  status?: number;
  ms: number;
  reason?: string;
};

/** One line for each public address. */
export function renderHealthUrls(urls: readonly HealthUrl[], style: Style): string {
  if (urls.length === 0) return "No public address.\n";
  const rows = urls.map(({ service, url, ok, status, ms, reason }) => [
    ok ? style.good("✓") : style.bad("✗"),
    url,
    service,
    status === undefined ? "-" : `${status}`,
    `${Math.round(ms)} ms`,
    reason ?? "",
  ]);
  return renderTable(["", "URL", "SERVICE", "STATUS", "TIME", ""], rows, style);
}

/** A stopped service is meant to be down, and a finished job is done: neither is ill. */
export function isWell(service: Pick<ServiceStatusView, "state">): boolean {
  return service.state === "healthy" || service.state === "completed" || service.state === "stopped";
}

/** Replicas of the current release that passed their probe. */
export function readyCount(service: ServiceStatusView): number {
  return service.replicas.filter((replica) => replica.ready && replica.role === "current").length;
}

/** The state in the colour of its urgency. */
export function stateWords(service: Pick<ServiceStatusView, "state">, style: Style): string {
  switch (service.state) {
    case "healthy":
    case "completed":
      return style.good(service.state);
    case "starting":
    case "stopped":
      return style.warn(service.state);
    case "degraded":
    case "down":
    case "crash-looping":
    case "unknown":
      return style.bad(service.state);
  }
}
