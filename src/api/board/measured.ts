import type { MetricName } from "../../telemetry/metrics.ts";
import type { Labels, Telemetry } from "../../telemetry/port.ts";

export type Ranges = Pick<Telemetry, "range">;
export type Measured = { labels: Labels; value: number };

export const dayMs = 24 * 3_600_000;
export const chartStepMs = 5 * 60_000;
const minuteMs = 60_000;
const passMs = 10_000;

export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The newest mean of each gauge's series, by its labels. */
export function newest(
  ranges: Ranges,
  query: {
    metric: MetricName;
    groupBy: readonly string[];
    now: number;
    /** How far back it may be. @default 60 s */
    withinMs?: number;
  },
): (Measured & { at: number })[] {
  const { metric, groupBy, now, withinMs = minuteMs } = query;
  return ranges
    .range({ metric, groupBy, from: now - withinMs, to: now + 1, step: passMs })
    .flatMap((series) => {
      const last = series.kind === "gauge" ? series.points.at(-1) : undefined;
      return last === undefined ? [] : [{ labels: series.labels, at: last.at, value: last.avg }];
    });
}

/**
 * What counters grew by per second over the newest passes, added up by their labels. Divided by the time between the
 * passes that are there: a busy host leaves passes out, and the next one then has their growth too.
 */
export function perSecond(
  ranges: Ranges,
  metrics: readonly MetricName[],
  query: {
    groupBy: readonly string[];
    now: number;
    /** @default 60 s */
    withinMs?: number;
  },
): Measured[] {
  const { groupBy, now, withinMs = minuteMs } = query;
  const sums = new Map<string, Measured>();
  for (const metric of metrics) {
    const found = ranges
      .range({ metric, groupBy, from: now - withinMs - minuteMs, to: now + 1, step: passMs })
      .flatMap((series) => (series.kind === "counter" ? [series] : []));
    const passes = [...new Set(found.flatMap(({ points }) => points.map(({ at }) => at)))].sort(
      (a, b) => a - b,
    );
    const window = windowOf(passes, { now, withinMs });
    if (!window) continue;
    for (const { labels, points } of found) {
      const grown = points
        .filter(({ at }) => at > window.from)
        .reduce((sum, point) => sum + point.increase, 0);
      const key = JSON.stringify(labels);
      sums.set(key, { labels, value: grown / (window.ms / 1000) + (sums.get(key)?.value ?? 0) });
    }
  }
  return [...sums.values()];
}

/** A pass counts since the one before it; the first of all is taken for one of the usual length. */
function windowOf(
  passes: readonly number[],
  { now, withinMs }: { now: number; withinMs: number },
): { from: number; ms: number } | undefined {
  const last = passes.at(-1);
  if (last === undefined || last <= now - minuteMs - passMs) return undefined;
  const first = passes.find((at) => at > last - withinMs) ?? last;
  const from = passes.findLast((at) => at < first) ?? first - passMs;
  return { from, ms: last - from };
}
