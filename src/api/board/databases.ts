import { type Scope, scopeKey } from "../../rollout/ids.ts";
import type { Labels } from "../../telemetry/port.ts";
import type { OverviewView } from "../contract/overview.ts";
import type { BoardFacts } from "./board.ts";
import { dayMs, mean, newest } from "./measured.ts";

type Row = OverviewView["databases"][number];

const groupBy = ["scope", "service", "database"] as const;
const recentMs = 5 * 60_000;

/** A row for each database of the servers that run, with what is measured of it. */
export function databaseRows(facts: BoardFacts): Row[] {
  const values = measuredOf(facts);
  return facts.scopes.flatMap(({ scope, services }) =>
    services
      .filter(({ kind }) => kind === "database")
      .flatMap(({ name }) => {
        const own = (labels: Labels) => labels["scope"] === scopeKey(scope) && labels["service"] === name;
        const known = values.connections.filter(({ labels }) => own(labels));
        if (known.length === 0) return [{ scope, service: name, database: name }];
        return known.map(({ labels }) => rowOf(values, { scope, service: name, labels }));
      }),
  );
}

type Values = ReturnType<typeof measuredOf>;

function measuredOf({ now, ranges }: BoardFacts) {
  const gauge = (metric: "database.connections" | "database.connections_max" | "database.cache_hit") =>
    newest(ranges, { metric, groupBy, now, withinMs: recentMs });
  const to = now + 1;
  return {
    connections: gauge("database.connections"),
    limits: gauge("database.connections_max"),
    hits: gauge("database.cache_hit"),
    times: ranges.range({ metric: "database.query_time", groupBy, from: now - recentMs, to }),
    slow: ranges.range({ metric: "database.slow_queries", groupBy, from: now - dayMs, to }),
  };
}

function rowOf(
  values: Values,
  { scope, service, labels }: { scope: Scope; service: string; labels: Labels },
): Row {
  const here = (other: { labels: Labels }) => groupBy.every((key) => other.labels[key] === labels[key]);
  const server = (other: { labels: Labels }) =>
    other.labels["scope"] === labels["scope"] && other.labels["service"] === labels["service"];
  const connections = values.connections.find(here)?.value;
  const connectionsMax = (values.limits.find(here) ?? values.limits.find(server))?.value;
  const cacheHit = values.hits.find(here)?.value;
  const time = values.times.find(here);
  const queryMeanMs = time?.kind === "histogram" ? mean(time.points.map((point) => point.mean)) : undefined;
  const counted = values.slow.find(here);
  const slowQueries =
    counted?.kind === "counter" ? counted.points.reduce((sum, point) => sum + point.increase, 0) : undefined;
  return {
    scope,
    service,
    database: labels["database"] ?? service,
    ...(connections === undefined ? {} : { connections }),
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(cacheHit === undefined ? {} : { cacheHit }),
    ...(queryMeanMs === undefined ? {} : { queryMeanMs }),
    ...(slowQueries === undefined ? {} : { slowQueries }),
  };
}
