import { scopeKey } from "../../rollout/ids.ts";
import type { OverviewView } from "../contract/overview.ts";
import { type BoardFacts, scopeOf } from "./board.ts";
import { chartStepMs, dayMs } from "./measured.ts";

/** The target line of the board, and the limit of the default rule. */
const targetMs = 500;
const mostSeries = 8;

/** p95 of the busiest services over a day, and what happened meanwhile. */
export function responseTimePanel(facts: BoardFacts): OverviewView["responseTime"] {
  const { now, ranges, scopes } = facts;
  const from = now - dayMs;
  const seen = new Set(scopes.map(({ scope }) => scopeKey(scope)));
  const series = ranges
    .range({ metric: "edge.latency", groupBy: ["scope", "service"], from, to: now + 1, step: chartStepMs })
    .flatMap((one) => {
      const scope = scopeOf(one.labels["scope"]);
      const service = one.labels["service"];
      if (one.kind !== "histogram" || scope === undefined || service === undefined) return [];
      if (!seen.has(scopeKey(scope))) return [];
      const count = one.points.reduce((sum, point) => sum + point.count, 0);
      return [{ scope, service, count, points: one.points.map(({ at, p95 }) => ({ at, p95 })) }];
    })
    .sort((a, b) => b.count - a.count)
    .slice(0, mostSeries)
    .map(({ count: _count, ...shown }) => shown);
  const markers = markersOf(facts).filter(({ at }) => at >= from && at <= now);
  return { from, to: now, targetMs, series, markers };
}

function markersOf({
  deployments,
  pastAlerts,
  incidents,
}: BoardFacts): OverviewView["responseTime"]["markers"] {
  const alerts = pastAlerts.map(({ scope: name, at, text }) => {
    const scope = scopeOf(name);
    return { at, kind: "alert" as const, ...(scope === undefined ? {} : { scope }), text };
  });
  const deploys = deployments.map(({ at, scope, text }) => ({
    at,
    kind: "deployment" as const,
    scope,
    text,
  }));
  const opened = incidents.map((incident) => ({ ...incident, kind: "incident" as const }));
  return [...deploys, ...alerts, ...opened].sort((a, b) => a.at - b.at);
}
