import type { Alert } from "../../alerting/alert-book.ts";
import { subjectName } from "../../policy/alert-rule.ts";
import { errorRateWord, latencyWord, requestRateWord, servicesWord } from "../../policy/board-words.ts";
import type { ScopeStatus } from "../../reconciler/engine.ts";
import type { Scope } from "../../rollout/ids.ts";
import type { OverviewView } from "../contract/overview.ts";
import { databaseRows } from "./databases.ts";
import { dependencyRows } from "./dependencies.ts";
import { dayMs, mean, newest, perSecond, type Ranges } from "./measured.ts";
import { projectRows } from "./projects.ts";
import { responseTimePanel } from "./response-time.ts";
import { utilisationPanel } from "./utilisation.ts";

export type BoardFacts = {
  now: number;
  ranges: Ranges;
  /** Of the host. */
  cores: number;
  /** Only what the caller may see, here and below. */
  scopes: readonly ScopeStatus[];
  /** The gravest first. */
  alerts: readonly Alert[];
  /** Those that made another release current, newest first. */
  deployments: readonly {
    id: string;
    scope: Scope;
    at: number;
    release: string;
    number: number;
    text: string;
  }[];
  pastAlerts: readonly { scope?: string; at: number; text: string }[];
  incidents: readonly { scope?: Scope; at: number; text: string }[];
};

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const fewestHours = 3;
/** Two passes: a burst of half a minute is seen as high as it was, which a mean over a minute halves. */
const rateWindowMs = 20_000;

/** The first page out of what is known now: pure but for the questions to the telemetry. */
export function buildBoard(facts: BoardFacts): OverviewView {
  const { now, ranges } = facts;
  const measuredAt = newest(ranges, { metric: "host.cpu", groupBy: [], now, withinMs: 10 * minuteMs })[0]?.at;
  return {
    at: now,
    ...(measuredAt === undefined ? {} : { measuredAt }),
    health: healthPanel(facts),
    projects: projectRows(facts),
    responseTime: responseTimePanel(facts),
    utilisation: utilisationPanel(facts),
    alerts: alertRows(facts),
    databases: databaseRows(facts),
    dependencies: dependencyRows(facts),
  };
}

function healthPanel({ now, ranges, scopes, alerts }: BoardFacts): OverviewView["health"] {
  const services = scopes.flatMap((status) => status.services).filter(({ state }) => state !== "completed");
  const down = services.filter(
    ({ state }) => state === "down" || state === "crash-looping" || state === "stopped",
  ).length;
  const rate = perSecond(ranges, ["edge.requests"], { groupBy: [], now, withinMs: rateWindowMs })[0]?.value;
  const share = errorShare(ranges, now);
  const meanMs = meanLatency(ranges, now);
  return {
    services: {
      ...servicesWord({ down, total: services.length }),
      healthy: services.length - down,
      total: services.length,
    },
    requestRate: {
      ...requestRateWord(rate, baseline(ranges, now)),
      ...(rate === undefined ? {} : { perSecond: rate }),
    },
    errorRate: { ...errorRateWord(share), ...(share === undefined ? {} : { share }) },
    latency: { ...latencyWord(meanMs), ...(meanMs === undefined ? {} : { meanMs }) },
    warnings: alerts.flatMap(({ severity, subject, message }) => {
      const scope = scopeOf(subject.scope);
      const known = scope !== undefined && subject.service !== undefined;
      return known && severity !== "info" ? [{ scope, service: subject.service ?? "", text: message }] : [];
    }),
  };
}

function errorShare(ranges: Ranges, now: number): number | undefined {
  const codes = perSecond(ranges, ["edge.requests"], { groupBy: ["code"], now });
  const all = codes.reduce((sum, { value }) => sum + value, 0);
  const failed = codes
    .filter(({ labels }) => labels["code"] === "5xx" || labels["code"] === "failed")
    .reduce((sum, { value }) => sum + value, 0);
  return all === 0 ? undefined : failed / all;
}

/** Of the last minute, weighted by the requests. */
function meanLatency(ranges: Ranges, now: number): number | undefined {
  const points = ranges
    .range({ metric: "edge.latency", groupBy: [], from: now - minuteMs, to: now + 1 })
    .flatMap((series) => (series.kind === "histogram" ? series.points : []));
  const count = points.reduce((sum, point) => sum + point.count, 0);
  return count === 0 ? undefined : points.reduce((sum, point) => sum + point.mean * point.count, 0) / count;
}

/** Requests per second over the whole hours of the day before; a few of them are no baseline. */
function baseline(ranges: Ranges, now: number): number | undefined {
  const hours = { from: now - dayMs, to: now - minuteMs, step: hourMs };
  const rates = ranges
    .range({ metric: "edge.requests", groupBy: [], ...hours })
    .flatMap((series) => (series.kind === "counter" ? series.points.slice(1, -1) : []))
    .map(({ increase }) => increase / (hourMs / 1000));
  return rates.length < fewestHours ? undefined : mean(rates);
}

function alertRows({ alerts, now }: BoardFacts): OverviewView["alerts"] {
  return alerts.flatMap(({ id, severity, subject, message, firedAt, acknowledged }) => {
    if (id === undefined || severity === undefined) return [];
    const scope = scopeOf(subject.scope);
    return [
      {
        id,
        severity,
        ...(scope === undefined ? {} : { scope }),
        subject: subjectName(subject),
        message,
        since: firedAt ?? now,
        ...(acknowledged === undefined ? {} : { acknowledgedBy: acknowledged.by }),
      },
    ];
  });
}

/** `shop/production` as a scope. */
export function scopeOf(text: string | undefined): Scope | undefined {
  const [stack, environment] = text?.split("/") ?? [];
  return stack && environment ? { stack, environment } : undefined;
}
