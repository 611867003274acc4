import { scopeKey } from "../../rollout/ids.ts";
import type { Labels } from "../../telemetry/port.ts";
import type { OverviewView } from "../contract/overview.ts";
import { type BoardFacts, scopeOf } from "./board.ts";
import { dayMs, mean, newest } from "./measured.ts";

const groupBy = ["scope", "dependency"] as const;
const recentMs = 5 * 60_000;

/** A row for each outside service that was probed within the day. */
export function dependencyRows({ now, ranges, scopes }: BoardFacts): OverviewView["dependencies"] {
  const seen = new Set(scopes.map(({ scope }) => scopeKey(scope)));
  const to = now + 1;
  const day = ranges.range({ metric: "dependency.up", groupBy, from: now - dayMs, to, step: 60_000 });
  const latest = newest(ranges, { metric: "dependency.up", groupBy, now, withinMs: recentMs });
  const latency = ranges.range({ metric: "dependency.latency", groupBy, from: now - recentMs, to });
  return day.flatMap((series) => {
    const { labels } = series;
    const scope = scopeOf(labels["scope"]);
    const name = labels["dependency"];
    if (!scope || name === undefined || !seen.has(scopeKey(scope)) || series.kind !== "gauge") return [];
    const same = (other: { labels: Labels }) => groupBy.every((key) => other.labels[key] === labels[key]);
    const last = latest.find(same);
    const times = latency.find(same);
    const point = times?.kind === "histogram" ? times.points.at(-1) : undefined;
    const successShare = mean(series.points.map(({ avg }) => avg));
    const state = last === undefined ? "unknown" : last.value >= 0.5 ? "up" : "down";
    return [
      {
        scope,
        name,
        state: state as "unknown" | "up" | "down",
        ...(point === undefined ? {} : { latencyMs: point.mean }),
        ...(successShare === undefined ? {} : { successShare }),
        ...(last === undefined ? {} : { checkedAt: last.at }),
      },
    ];
  });
}
