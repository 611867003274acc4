import { middleOf } from "../lib/histogram.ts";
import { definitionOf, type MetricName, metricNames } from "../telemetry/metrics.ts";
import type { Labels, Sample } from "../telemetry/port.ts";

export const openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/** Upper bounds in seconds; Prometheus needs the same ones for ever. */
export const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** What was not seen for so long is not told any more. */
const forgottenMs = 120_000;
/** A sample is about the time since the pass before. */
const passMs = 10_000;

export type ExportedSeries = {
  metric: MetricName;
  labels: Labels;
  at: number;
  /** What is added up began then. */
  since: number;
  /** A gauge's value, a counter's total since this process began. */
  value: number;
  /** Of histograms: count for each bound and for what is beyond, not cumulative; and the sum in seconds. */
  buckets: number[];
  sum: number;
};

/** `edge.requests` -> `roadstead_edge_requests`; counters get `_total` at their samples. */
export function openMetricsName(metric: MetricName): string {
  const { unit } = definitionOf(metric);
  const name = `roadstead_${metric.replaceAll(".", "_")}`;
  return unit === "1" || name.endsWith(`_${unit}`) ? name : `${name}_${unit}`;
}

/** The last pass as OpenMetrics text, with counters and histograms since this process began. */
export class OpenMetrics {
  readonly #series = new Map<string, ExportedSeries>();
  readonly #totals = new Map<string, number>();

  take(at: number, samples: readonly Sample[]): void {
    for (const sample of samples) this.#take(at, sample);
    for (const [key, series] of this.#series)
      if (at - series.at > forgottenMs) {
        this.#series.delete(key);
        this.#totals.delete(key);
      }
  }

  series(): ExportedSeries[] {
    return [...this.#series.values()];
  }

  /** `sees`: whose series the reader may know of; those of no stack are for everybody who may read at all. */
  text(sees: (scope: string) => boolean = () => true): string {
    const lines: string[] = [];
    for (const metric of metricNames) {
      const mine = this.series().filter(({ metric: own, labels }) => {
        const scope = labels["scope"];
        return own === metric && (scope === undefined || sees(scope));
      });
      if (mine.length === 0) continue;
      const name = openMetricsName(metric);
      const { kind, unit, help } = definitionOf(metric);
      lines.push(`# TYPE ${name} ${kind}`);
      if (unit !== "1") lines.push(`# UNIT ${name} ${unit}`);
      lines.push(`# HELP ${name} ${escaped(help)}`, ...mine.flatMap((series) => linesOf(name, series)));
    }
    return `${[...lines, "# EOF"].join("\n")}\n`;
  }

  #take(at: number, sample: Sample): void {
    const { metric, labels } = sample;
    const key = `${metric} ${JSON.stringify(labels)}`;
    const known = this.#series.get(key) ?? {
      ...{ metric, labels, at, since: at - passMs, value: 0, sum: 0 },
      buckets: "histogram" in sample ? new Array<number>(bounds.length + 1).fill(0) : [],
    };
    known.at = at;
    this.#series.set(key, known);
    if ("histogram" in sample) addTo(known, sample.histogram);
    else if ("increase" in sample) known.value += sample.increase;
    else if (definitionOf(metric).kind === "gauge") known.value = sample.value;
    else {
      const before = this.#totals.get(key) ?? 0;
      this.#totals.set(key, sample.value);
      known.value += sample.value >= before ? sample.value - before : sample.value;
    }
  }
}

function addTo(series: ExportedSeries, histogram: Readonly<Record<number, number>>): void {
  for (const [bucket, count] of Object.entries(histogram)) {
    const seconds = middleOf(Number(bucket)) / 1000;
    const found = bounds.findIndex((bound) => seconds <= bound);
    const index = found === -1 ? bounds.length : found;
    series.buckets[index] = (series.buckets[index] ?? 0) + count;
    series.sum += seconds * count;
  }
}

function linesOf(name: string, { metric, labels, value, buckets, sum }: ExportedSeries): string[] {
  const { kind } = definitionOf(metric);
  if (kind === "gauge") return [`${name}${labelText(labels)} ${value}`];
  if (kind === "counter") return [`${name}_total${labelText(labels)} ${value}`];
  let count = 0;
  const cumulative = buckets.map((own, index) => {
    count += own;
    return `${name}_bucket${labelText({ ...labels, le: boundText(bounds[index]) })} ${count}`;
  });
  return [
    ...cumulative,
    `${name}_count${labelText(labels)} ${count}`,
    `${name}_sum${labelText(labels)} ${sum}`,
  ];
}

/** Canonical numbers of OpenMetrics have a decimal point. */
function boundText(bound: number | undefined): string {
  if (bound === undefined) return "+Inf";
  return Number.isInteger(bound) ? `${bound}.0` : `${bound}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
