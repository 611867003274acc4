import type { SeriesView } from "../../api/contract/telemetry.ts";
import { formatBytes } from "../../lib/bytes.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";

/** What a service used over a time; absent: nothing was measured. */
export type ServiceUse = {
  service: string;
  cpu?: { mean: number; max: number };
  memoryBytes?: { mean: number; max: number };
  networkBytes?: number;
  diskBytes?: number;
  restarts?: number;
  requests?: number;
  /** 5xx and failed, 0 to 1. */
  errorShare?: number;
  /** The greatest p95 of a step. */
  p95Ms?: number;
};

/** Series that are apart by `service` (and `code` for requests) as one line for each service. */
export function serviceUse(series: readonly SeriesView[]): ServiceUse[] {
  const services = [...new Set(series.flatMap(({ labels }) => labels["service"] ?? []))].sort();
  return services.map((service) => {
    const own = series.filter(({ labels }) => labels["service"] === service);
    const requests = grown(own, ["edge.requests"]);
    const failed = grown(
      own.filter(({ labels }) => labels["code"] === "5xx" || labels["code"] === "failed"),
      ["edge.requests"],
    );
    return {
      service,
      ...named("cpu", spread(own, "replica.cpu")),
      ...named("memoryBytes", spread(own, "replica.memory")),
      ...named("networkBytes", grown(own, ["replica.net_in", "replica.net_out"])),
      ...named("diskBytes", grown(own, ["replica.disk_read", "replica.disk_write"])),
      ...named("restarts", grown(own, ["replica.restarts"])),
      ...named("requests", requests),
      ...named("errorShare", requests ? (failed ?? 0) / requests : undefined),
      ...named("p95Ms", slowest(own)),
    };
  });
}

function named<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, V>);
}

function spread(all: readonly SeriesView[], metric: string): { mean: number; max: number } | undefined {
  const points = all.flatMap((one) => (one.metric === metric && one.kind === "gauge" ? one.points : []));
  if (points.length === 0) return undefined;
  const mean = points.reduce((sum, { avg }) => sum + avg, 0) / points.length;
  return { mean, max: Math.max(...points.map(({ max }) => max)) };
}

function grown(all: readonly SeriesView[], metrics: readonly string[]): number | undefined {
  const points = all.flatMap((one) =>
    metrics.includes(one.metric) && one.kind === "counter" ? one.points : [],
  );
  return points.length === 0 ? undefined : points.reduce((sum, { increase }) => sum + increase, 0);
}

function slowest(all: readonly SeriesView[]): number | undefined {
  const points = all.flatMap((one) => (one.kind === "histogram" ? one.points : []));
  return points.length === 0 ? undefined : Math.max(...points.map(({ p95 }) => p95));
}

/** One row for each service; `-` is what was not measured. */
export function renderServiceUse(services: readonly ServiceUse[], style: Style): string {
  if (services.length === 0) return "Nothing was measured in this time.\n";
  const bytes = (value: number | undefined) => (value === undefined ? "-" : formatBytes(value));
  const count = (value: number | undefined) => (value === undefined ? "-" : `${Math.round(value)}`);
  const share = (value: number | undefined) => (value === undefined ? "-" : `${(value * 100).toFixed(1)} %`);
  const rows = services.map((one) => [
    one.service,
    one.cpu ? `${share(one.cpu.mean)} / ${share(one.cpu.max)}` : "-",
    one.memoryBytes ? `${bytes(one.memoryBytes.mean)} / ${bytes(one.memoryBytes.max)}` : "-",
    bytes(one.networkBytes),
    bytes(one.diskBytes),
    count(one.restarts),
    count(one.requests),
    share(one.errorShare),
    one.p95Ms === undefined ? "-" : `${Math.round(one.p95Ms)} ms`,
  ]);
  const head = ["SERVICE", "CPU MEAN / MAX", "MEMORY MEAN / MAX", "NETWORK", "DISK", "RESTARTS"];
  return renderTable([...head, "REQUESTS", "ERRORS", "P95"], rows, style);
}
