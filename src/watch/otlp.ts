import { definitionOf, type MetricName } from "../telemetry/metrics.ts";
import type { Labels } from "../telemetry/port.ts";
import { bounds, type ExportedSeries } from "./open-metrics.ts";

/** Units as UCUM writes them, which OpenTelemetry wants. */
const units = { seconds: "s", bytes: "By", cores: "{core}", ratio: "1", "1": "1" } as const;
const cumulative = 2;

/** What OTLP/HTTP takes at /v1/metrics as JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export function otlpBody(series: readonly ExportedSeries[], version: string): string {
  const byMetric = new Map<MetricName, ExportedSeries[]>();
  for (const one of series) byMetric.set(one.metric, [...(byMetric.get(one.metric) ?? []), one]);
  const metrics = [...byMetric].map(([metric, all]) => {
    const { kind, unit, help } = definitionOf(metric);
    const head = { name: `roadstead.${metric}`, unit: units[unit], description: help };
    const dataPoints = all.map((one) => pointOf(one, kind));
    if (kind === "gauge") return { ...head, gauge: { dataPoints } };
    if (kind === "counter")
      return { ...head, sum: { dataPoints, aggregationTemporality: cumulative, isMonotonic: true } };
    return { ...head, histogram: { dataPoints, aggregationTemporality: cumulative } };
  });
  const resource = { attributes: attributesOf({ "service.name": "roadstead", "service.version": version }) };
  const scopeMetrics = [{ scope: { name: "roadstead", version }, metrics }];
  return JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics }] });
}

function pointOf({ labels, at, since, value, buckets, sum }: ExportedSeries, kind: string) {
  const head = { attributes: attributesOf(labels), timeUnixNano: nanos(at) };
  if (kind === "gauge") return { ...head, asDouble: value };
  const started = { ...head, startTimeUnixNano: nanos(since) };
  if (kind === "counter") return { ...started, asDouble: value };
  const count = buckets.reduce((total, one) => total + one, 0);
  return {
    ...{ ...started, count: String(count), sum },
    ...{ bucketCounts: buckets.map(String), explicitBounds: [...bounds] },
  };
}

function attributesOf(labels: Labels) {
  return Object.entries(labels).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** 64-bit numbers are text in OTLP's JSON. */
function nanos(ms: number): string {
  return `${Math.round(ms)}000000`;
}
