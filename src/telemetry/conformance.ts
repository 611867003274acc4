import { afterEach, describe, expect, it } from "vitest";
import { bucketOf, type Histogram } from "../lib/histogram.ts";
import type { MetricName } from "./metrics.ts";
import type { Labels, Sample, Series, Telemetry } from "./port.ts";

export type TelemetryMaker = {
  make: () => Telemetry;
  /** Opens the same state again; `crash`: without closing, as after kill -9. Absent where nothing outlives the process. */
  reopen?: (telemetry: Telemetry, how: "close" | "crash") => Telemetry;
};

/** A full hour, so that steps and chunks are easy to foresee. */
export const start = 1_700_000_000_000 - (1_700_000_000_000 % 86_400_000);
const pass = 10_000;
const minute = 60_000;
const hour = 3_600_000;
const web: Labels = { scope: "shop/production", service: "web" };

export function histogramOf(values: readonly number[]): Histogram {
  const histogram: Record<number, number> = {};
  for (const value of values) histogram[bucketOf(value)] = (histogram[bucketOf(value)] ?? 0) + 1;
  return histogram;
}

function gauge(metric: MetricName, value: number, labels: Labels = web): Sample {
  return { metric, labels, value };
}

/** The points of the only series, of the kind that is expected. */
function pointsOf<K extends Series["kind"]>(series: readonly Series[], kind: K) {
  expect(series).toHaveLength(1);
  const [only] = series;
  if (only?.kind !== kind) throw new Error(`expected one series of kind ${kind}`);
  return only.points as Extract<Series, { kind: K }>["points"];
}

/** What every telemetry driver must hold. */
export function telemetryConformance(name: string, maker: TelemetryMaker): void {
  describe(`telemetry conformance: ${name}`, () => {
    const opened: Telemetry[] = [];
    const fresh = () => {
      const telemetry = maker.make();
      opened.push(telemetry);
      return telemetry;
    };
    afterEach(() => {
      for (const telemetry of opened.splice(0)) telemetry.close();
    });
    gauges(fresh);
    counters(fresh);
    histograms(fresh);
    queries(fresh);
    rollUps(fresh);
    const { reopen } = maker;
    if (reopen)
      restarts(fresh, (telemetry, how) => {
        const again = reopen(telemetry, how);
        opened.push(again);
        return again;
      });
  });
}

function gauges(fresh: () => Telemetry): void {
  it("gives least, mean and greatest of a gauge for each step, and none for a step without a sample", () => {
    const telemetry = fresh();
    for (const [index, value] of [4, 8, 6].entries())
      telemetry.record(start + index * pass, [gauge("replica.memory", value)]);
    telemetry.record(start + 2 * minute, [gauge("replica.memory", 0.125)]);
    const query = { metric: "replica.memory", from: start, to: start + 3 * minute } as const;
    expect(pointsOf(telemetry.range({ ...query, step: minute }), "gauge")).toEqual([
      { at: start, min: 4, avg: 6, max: 8 },
      { at: start + 2 * minute, min: 0.125, avg: 0.125, max: 0.125 },
    ]);
    expect(pointsOf(telemetry.range({ ...query, step: pass }), "gauge").map(({ avg }) => avg)).toEqual([
      4, 8, 6, 0.125,
    ]);
  });

  it("sums the memory of replicas that run together, not of one and its successor", () => {
    const telemetry = fresh();
    const memory = (replica: string) => gauge("replica.memory", 100, { ...web, replica });
    for (let index = 0; index < 6; index += 1)
      telemetry.record(start + index * pass, [memory("a"), memory("b")]);
    for (let index = 0; index < 6; index += 1)
      telemetry.record(start + minute + index * pass, [memory(index < 3 ? "a" : "c")]);
    const query = { metric: "replica.memory", groupBy: ["service"], from: start, step: minute } as const;
    expect(pointsOf(telemetry.range({ ...query, to: start + 2 * minute }), "gauge")).toEqual([
      { at: start, min: 200, avg: 200, max: 200 },
      { at: start + minute, min: 100, avg: 100, max: 100 },
    ]);
  });

  it("keeps values of any size exactly", () => {
    const telemetry = fresh();
    const values = [0, -3.25, 1e15 + 1, 0.1 + 0.2, 1 / 3, 1_763_730_000, 2 ** 52];
    for (const [index, value] of values.entries())
      telemetry.record(start + index * pass, [gauge("host.load", value)]);
    const query = { metric: "host.load", from: start, to: start + 2 * minute, step: pass } as const;
    expect(pointsOf(telemetry.range(query), "gauge").map(({ avg }) => avg)).toEqual(values);
  });
}

function counters(fresh: () => Telemetry): void {
  const totals = (telemetry: Telemetry, values: readonly number[]) => {
    for (const [index, value] of values.entries())
      telemetry.record(start + index * pass, [gauge("edge.requests", value)]);
  };
  const increases = (telemetry: Telemetry) =>
    pointsOf(
      telemetry.range({ metric: "edge.requests", from: start, to: start + hour, step: pass }),
      "counter",
    ).map(({ increase }) => increase);

  it("gives what a counter grew by, also after it was set back to 0", () => {
    const telemetry = fresh();
    totals(telemetry, [100, 105, 105, 3, 10]);
    expect(increases(telemetry)).toEqual([0, 5, 0, 3, 7]);
  });

  it("counts a series that appears later from 0", () => {
    const telemetry = fresh();
    telemetry.record(start, [gauge("host.load", 1)]);
    telemetry.record(start + pass, [gauge("edge.requests", 7)]);
    expect(increases(telemetry)).toEqual([7]);
  });

  it("does not put what happened in a long gap into the moment after it", () => {
    const telemetry = fresh();
    totals(telemetry, [0, 5]);
    telemetry.record(start + 10 * minute, [gauge("edge.requests", 9000)]);
    telemetry.record(start + 10 * minute + pass, [gauge("edge.requests", 9001)]);
    expect(increases(telemetry)).toEqual([0, 5, 0, 1]);
  });

  it("adds up the counters of several series", () => {
    const telemetry = fresh();
    const samples = ["2xx", "5xx"].map((code) => ({
      ...{ metric: "edge.requests" as const, labels: { ...web, code }, increase: 4 },
    }));
    telemetry.record(start, samples);
    telemetry.record(start + pass, samples);
    const query = { metric: "edge.requests", from: start, to: start + minute, step: minute } as const;
    const sum = telemetry.range({ ...query, groupBy: ["service"] });
    expect(pointsOf(sum, "counter")).toEqual([{ at: start, increase: 16 }]);
    expect(sum[0]?.labels).toEqual({ service: "web" });
    expect(telemetry.range(query).map(({ labels }) => labels["code"])).toEqual(["2xx", "5xx"]);
    const failed = telemetry.range({ ...query, match: { code: "5xx" } });
    expect(pointsOf(failed, "counter")).toEqual([{ at: start, increase: 8 }]);
  });
}

function histograms(fresh: () => Telemetry): void {
  it("takes percentiles from merged histograms, within 1 %, never from other percentiles", () => {
    const telemetry = fresh();
    // One slow replica with few requests: the mean of both p95 would be 505 ms.
    const quick = Array.from({ length: 990 }, (_, index) => 5 + index / 100);
    const slow = Array.from({ length: 10 }, (_, index) => 1000 + index);
    telemetry.record(start, [
      { metric: "edge.latency", labels: { ...web, release: "1" }, histogram: histogramOf(quick) },
      { metric: "edge.latency", labels: { ...web, release: "2" }, histogram: histogramOf(slow) },
    ]);
    const query = { metric: "edge.latency", groupBy: ["service"], from: start, to: start + minute } as const;
    const [point] = pointsOf(telemetry.range(query), "histogram");
    const sorted = [...quick, ...slow].sort((a, b) => a - b);
    const exact = (quantile: number) => sorted[Math.ceil(quantile * sorted.length) - 1] ?? 0;
    expect(point?.count).toBe(1000);
    for (const [found = 0, wanted] of [
      [point?.p50, exact(0.5)],
      [point?.p95, exact(0.95)],
      [point?.p99, exact(0.99)],
      [point?.mean, sorted.reduce((sum, value) => sum + value, 0) / sorted.length],
    ] as const)
      expect(Math.abs(found / wanted - 1)).toBeLessThanOrEqual(0.0101);
  });
}

function queries(fresh: () => Telemetry): void {
  it("tells the latest value of each series, and not of one that is gone", () => {
    const telemetry = fresh();
    telemetry.record(start, [gauge("service.ready", 2), gauge("service.ready", 1, { service: "gone" })]);
    for (let at = start; at <= start + 3 * minute; at += pass)
      telemetry.record(at, [gauge("service.ready", 1)]);
    expect(telemetry.latest({ metric: "service.ready" })).toEqual([
      { labels: web, value: 1, at: start + 3 * minute },
    ]);
    expect(telemetry.latest({ metric: "service.ready", match: { service: "other" } })).toEqual([]);
  });

  it("takes the same labels in another order for the same series", () => {
    const telemetry = fresh();
    telemetry.record(start, [gauge("service.ready", 2, { service: "web", scope: "shop/production" })]);
    telemetry.record(start + pass, [gauge("service.ready", 4, web)]);
    const query = { metric: "service.ready", from: start, to: start + minute, step: minute } as const;
    expect(pointsOf(telemetry.range(query), "gauge")).toEqual([{ at: start, min: 2, avg: 3, max: 4 }]);
  });

  it("refuses a time that ends before it begins, and bounds the number of points", () => {
    const telemetry = fresh();
    telemetry.record(start, [gauge("host.load", 1)]);
    const query = { metric: "host.load", from: start, to: start - 1 } as const;
    expect(() => telemetry.range(query)).toThrow(expect.objectContaining({ code: "TELEMETRY_QUERY" }));
    const [series] = telemetry.range({ ...query, from: start - 300 * 24 * hour, to: start + hour, step: 1 });
    expect((301 * 24 * hour) / (series?.step ?? 1)).toBeLessThanOrEqual(1500);
  });

  it("has nothing for a metric that was never recorded", () => {
    const telemetry = fresh();
    expect(telemetry.range({ metric: "host.cpu", from: start, to: start + 1 })).toEqual([]);
    expect(telemetry.latest({ metric: "host.cpu" })).toEqual([]);
  });
}

function rollUps(fresh: () => Telemetry): void {
  it("R-199 answers alike from 10 s, minutes and hours, and keeps each as long as it should", () => {
    const telemetry = fresh();
    const days = 3;
    for (let at = start; at < start + days * 24 * hour; at += minute)
      telemetry.record(at, [
        gauge("host.cpu", ((at - start) / hour) % 24 < 12 ? 0.25 : 0.75),
        { metric: "edge.requests", labels: web, increase: 6 },
        { metric: "edge.latency", labels: web, histogram: histogramOf([10, 10, 10, 200]) },
      ]);
    const end = start + days * 24 * hour;
    for (const step of [10 * minute, hour, 24 * hour]) {
      const query = { from: start, to: end, step };
      const requests = pointsOf(telemetry.range({ ...query, metric: "edge.requests" }), "counter");
      expect(requests).toHaveLength((days * 24 * hour) / step);
      expect(requests.every(({ increase }) => increase === (6 * step) / minute)).toBe(true);
      const cpu = pointsOf(telemetry.range({ ...query, metric: "host.cpu" }), "gauge");
      expect(cpu.reduce((sum, { avg }) => sum + avg, 0) / cpu.length).toBeCloseTo(0.5, 9);
      const latency = pointsOf(telemetry.range({ ...query, metric: "edge.latency" }), "histogram");
      expect(latency.every(({ count, p95 }) => count === (4 * step) / minute && p95 > 198)).toBe(true);
    }
    const old = telemetry.range({ metric: "host.cpu", from: start, to: start + hour, step: pass });
    expect(old[0]?.step).toBe(minute);
  });
}

function restarts(
  fresh: () => Telemetry,
  reopen: (telemetry: Telemetry, how: "close" | "crash") => Telemetry,
): void {
  const all = { metric: "edge.requests", from: start - hour, to: start + 3 * hour, step: pass } as const;
  const record = (telemetry: Telemetry, from: number, to: number) => {
    for (let at = from; at < to; at += pass)
      telemetry.record(at, [
        gauge("edge.requests", 1000 + (at - start) / pass),
        { metric: "edge.latency", labels: web, histogram: histogramOf([20]) },
      ]);
  };

  it("R-199 a restart loses nothing: sealed hours, the open one, the open minute, totals of counters", () => {
    const before = fresh();
    record(before, start, start + hour + 5 * minute + 2 * pass);
    const expected = before.range(all);
    const after = reopen(before, "close");
    expect(after.range(all)).toEqual(expected);
    record(after, start + hour + 5 * minute + 2 * pass, start + 2 * hour + minute);
    const points = pointsOf(after.range(all), "counter");
    expect(points).toHaveLength((2 * hour + minute) / pass);
    expect(points.slice(1).every(({ increase }) => increase === 1)).toBe(true);
    const hourly = after.range({ ...all, metric: "edge.latency", step: hour });
    expect(pointsOf(hourly, "histogram").map(({ count }) => count)).toEqual([360, 360, 6]);
  });

  it("R-199 a crash loses at most a minute", () => {
    const before = fresh();
    record(before, start, start + hour + 10 * minute + 3 * pass);
    const after = reopen(before, "crash");
    const points = pointsOf(after.range(all), "counter");
    expect(points.at(-1)?.at).toBe(start + hour + 10 * minute - pass);
    expect(points).toHaveLength((hour + 10 * minute) / pass);
    // What the edge counted meanwhile comes with the next pass.
    after.record(start + hour + 11 * minute, [gauge("edge.requests", 5000)]);
    expect(pointsOf(after.range(all), "counter").at(-1)?.increase).toBe(
      5000 - 1000 - (hour + 10 * minute) / pass + 1,
    );
  });
}
