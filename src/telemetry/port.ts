import type { Histogram } from "../lib/histogram.ts";
import type { MetricName } from "./metrics.ts";

/**
 * Measurements over time: 10 s for a day, 1 minute for a month, 1 hour for a year, in bounded room. Calls are
 * synchronous and short. Percentiles always come from merged histograms, never from other percentiles. Times are
 * epoch ms. Errors: see errors.ts.
 */
export interface Telemetry {
  readonly name: string;

  /**
   * Adds one pass. `at` should not go back: what is older than the open minute is dropped. Written to disk once a
   * minute, so a crash loses at most a minute.
   */
  record(at: number, samples: readonly Sample[]): void;

  /**
   * One series for each combination of the `groupBy` labels (all labels when absent), sorted by labels; empty when
   * nothing matches. Steps are aligned to their width; a step without any sample has no point.
   */
  range(query: RangeQuery): Series[];

  /** The last sample of each matching series that was recorded within the last 2 minutes before the newest pass. */
  latest(query: LatestQuery): LatestValue[];

  /** Writes what is not on disk yet. */
  flush(): void;
  close(): void;
}

/**
 * Label -> value. Labels in use: `scope` ("stack/environment"), `service`, `release` (number), `replica`, `route`,
 * `code` ("2xx" … "5xx", "failed"), `mount`, `dependency`, `database`, `host`.
 */
export type Labels = Readonly<Record<string, string>>;

export type Sample =
  /** A gauge's value, or a counter's total since it began. A total that falls is a counter that was set back to 0. */
  | { metric: MetricName; labels: Labels; value: number }
  /** What a counter grew by since the pass before. */
  | { metric: MetricName; labels: Labels; increase: number }
  /** Durations since the pass before, see lib/histogram.ts. */
  | { metric: MetricName; labels: Labels; histogram: Histogram };

export type RangeQuery = LatestQuery & {
  /** Labels that stay apart; series that differ only in others become one. @default all labels */
  groupBy?: readonly string[];
  /** Inclusive. */
  from: number;
  /** Exclusive. */
  to: number;
  /**
   * Milliseconds; raised to what is kept that far back (1 minute beyond a day, 1 hour beyond a month) and so that no
   * series has more than 1,500 points. @default about 300 points
   */
  step?: number;
};

export type LatestQuery = {
  metric: MetricName;
  /** A series matches when it has all of these. @default every series */
  match?: Labels;
};

export type Series = { metric: MetricName; labels: Labels; step: number } & (
  | { kind: "gauge"; points: readonly GaugePoint[] }
  | { kind: "counter"; points: readonly CounterPoint[] }
  | { kind: "histogram"; points: readonly HistogramPoint[] }
);

/** `at`: where the step begins. */
export type GaugePoint = { at: number; min: number; avg: number; max: number };
/** Divide by the step for a rate. */
export type CounterPoint = { at: number; increase: number };
/** Milliseconds, within 1 % of the exact ones. */
export type HistogramPoint = {
  at: number;
  count: number;
  mean: number;
  p50: number;
  p95: number;
  p99: number;
};

export type LatestValue = {
  labels: Labels;
  at: number;
  /** A gauge's value; a counter's increase in the last pass; a histogram's mean in the last pass. */
  value: number;
};
