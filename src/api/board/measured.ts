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

/** What counters grew by per second over the last minute, added up by their labels. */
export function perSecond(
  ranges: Ranges,
  metrics: readonly MetricName[],
  { groupBy, now }: { groupBy: readonly string[]; now: number },
): Measured[] {
  const sums = new Map<string, Measured>();
  for (const metric of metrics)
    for (const series of ranges.range({ metric, groupBy, from: now - minuteMs, to: now + 1, step: passMs })) {
      if (series.kind !== "counter" || series.points.length === 0) continue;
      const key = JSON.stringify(series.labels);
      const grown = series.points.reduce((sum, point) => sum + point.increase, 0);
      const value = grown / ((series.points.length * series.step) / 1000);
      sums.set(key, { labels: series.labels, value: value + (sums.get(key)?.value ?? 0) });
    }
  return [...sums.values()];
}
