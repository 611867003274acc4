import type { DrillView, IncidentView } from "../../../../src/api/contract/incidents.ts";
import { span } from "../../ui/format.ts";
import type { Tone } from "../../ui/mark.tsx";

export const kindWords: Record<IncidentView["kind"], string> = {
  service: "Service crash",
  database: "Database",
  server: "Server loss",
  security: "Security breach",
};

export const drillTone: Record<DrillView["state"], Tone> = {
  running: "busy",
  passed: "healthy",
  failed: "critical",
  skipped: "unknown",
};

/** `12 s of 5 min`: what it took, of what it may take. */
export function against(achieved: number | undefined, target: number | undefined): string {
  if (target === undefined) return achieved === undefined ? "–" : span(achieved * 1000);
  return `${achieved === undefined ? "–" : span(achieved * 1000)} of ${span(target * 1000)}`;
}
