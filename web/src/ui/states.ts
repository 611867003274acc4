import type { RunView } from "../../../src/api/contract/delivery.ts";
import type { DeploymentView, ServiceStatusView } from "../../../src/api/contract/models.ts";
import type { Tone } from "./mark.tsx";

/** What each state of the domain looks like: the one table that all pages read. */
export const serviceTone: Record<ServiceStatusView["state"], Tone> = {
  healthy: "healthy",
  completed: "healthy",
  degraded: "warning",
  starting: "busy",
  stopped: "unknown",
  unknown: "unknown",
  down: "critical",
  "crash-looping": "critical",
};

export const deploymentTone: Record<DeploymentView["state"], Tone> = {
  queued: "unknown",
  running: "busy",
  returning: "warning",
  succeeded: "healthy",
  failed: "critical",
  aborted: "unknown",
  superseded: "unknown",
};

export const runTone: Record<RunView["state"], Tone> = {
  queued: "unknown",
  running: "busy",
  waiting: "warning",
  succeeded: "healthy",
  failed: "critical",
  rejected: "critical",
  aborted: "unknown",
  superseded: "unknown",
};

export function isUnfinished(state: DeploymentView["state"]): boolean {
  return state === "queued" || state === "running" || state === "returning";
}

const order: readonly Tone[] = ["critical", "warning", "busy", "unknown", "healthy"];

/** The tone that asks most for attention. */
export function gravest(tones: readonly Tone[]): Tone {
  return order.find((tone) => tones.includes(tone)) ?? "unknown";
}
