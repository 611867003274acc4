import { describe, expect, it } from "vitest";
import type { EdgeObserved, TargetCounters } from "../edge/port.ts";
import { bucketOf } from "../lib/histogram.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import type { Sample, Telemetry } from "../telemetry/port.ts";
import { edgeTraffic } from "./edge-traffic.ts";
import { OpenMetrics, openMetricsName } from "./open-metrics.ts";
import type { Gauge } from "./parts.ts";
import { Watch } from "./watch.ts";

function counters(requests: number, changes: Partial<TargetCounters> = {}): TargetCounters {
  return {
    target: "shop-production-web-abc-1:3000",
    backend: "shop/production/web:3000",
    requests,
    status2xx: requests,
    ...{ status3xx: 0, status4xx: 0, status5xx: 0, failures: 0, inFlight: 0, upgraded: 0 },
    latency: { [bucketOf(20)]: requests },
    ...changes,
  };
}

function edgeThatTells(readings: TargetCounters[][]) {
  const observe = async (): Promise<EdgeObserved> => ({
    version: 1,
    backends: [],
    counters: readings.shift() ?? [],
  });
  return edgeTraffic({ observe }, () => "4");
}

const signal = AbortSignal.timeout(60_000);
const place = { scope: "shop/production", service: "web", release: "4" };

describe("traffic of the edge", () => {
  it("R-170 is what came since the pass before, by service, release and status", async () => {
    const gauge = edgeThatTells([
      [counters(100)],
      [counters(130, { status2xx: 127, status5xx: 2, failures: 1 })],
    ]);
    expect(await gauge.read(signal)).toEqual([]);
    expect(await gauge.read(signal)).toEqual([
      { metric: "edge.requests", labels: { ...place, code: "2xx" }, increase: 27 },
      { metric: "edge.requests", labels: { ...place, code: "5xx" }, increase: 2 },
      { metric: "edge.requests", labels: { ...place, code: "failed" }, increase: 1 },
      { metric: "edge.latency", labels: place, histogram: { [bucketOf(20)]: 30 } },
    ]);
  });

  it("counts new targets and those that were set back from 0", async () => {
    const gauge = edgeThatTells([[], [counters(5)], [counters(3)]]);
    await gauge.read(signal);
    const increase = { metric: "edge.requests", labels: { ...place, code: "2xx" } };
    expect(await gauge.read(signal)).toContainEqual({ ...increase, increase: 5 });
    expect(await gauge.read(signal)).toContainEqual({ ...increase, increase: 3 });
  });
});

describe("watch", () => {
  function aWatch(gauges: Gauge[]) {
    const clock = new ManualClock();
    const recorded: Sample[] = [];
    const logged: string[] = [];
    const telemetry: Pick<Telemetry, "record"> = { record: (_at, samples) => recorded.push(...samples) };
    const parts = {
      telemetry: telemetry as Telemetry,
      clock,
      log: (_: string, text: string) => logged.push(text),
    };
    return { watch: new Watch(parts, gauges), clock, recorded, logged };
  }
  const load: Sample = { metric: "host.load", labels: {}, value: 1 };

  it("measures the others while one part fails or never answers", async () => {
    let asked = 0;
    const { watch, clock, recorded, logged } = aWatch([
      { name: "dead", read: () => new Promise(() => (asked += 1)) },
      { name: "broken", read: () => Promise.reject(new Error("no daemon")) },
      { name: "host", read: () => [load] },
    ]);
    void watch.pass(clock.now());
    await clock.advance(10_000);
    void watch.pass(clock.now());
    await clock.advance(1);
    expect(recorded).toEqual([load, load]);
    expect(asked).toBe(1);
    expect(logged).toEqual(["broken can't be measured: no daemon"]);
  });

  it("starts a pass at every full ten seconds, and none after it was stopped", async () => {
    const { watch, clock, recorded } = aWatch([{ name: "host", read: () => [load] }]);
    watch.start();
    for (let i = 0; i < 3; i += 1) {
      await expect.poll(() => clock.sleeping).toBe(1);
      await clock.advance(10_000);
    }
    await expect.poll(() => recorded.length).toBe(3);
    expect(recorded).toHaveLength(3);
    await watch.stop();
    await clock.advance(30_000);
    expect(recorded).toHaveLength(3);
  });
});

/** The grammar of OpenMetrics 1.0: what a scraper would refuse. */
function parse(text: string) {
  const lines = text.split("\n");
  expect(lines.slice(-2)).toEqual(["# EOF", ""]);
  const types = new Map<string, string>();
  const samples: { name: string; labels: string; value: number }[] = [];
  for (const line of lines.slice(0, -2)) {
    const [, name, type] = /^# TYPE (\w+) (gauge|counter|histogram)$/.exec(line) ?? [];
    if (name && type) {
      expect(types.has(name)).toBe(false);
      types.set(name, type);
    } else if (/^# UNIT/.test(line)) {
      const [, , unitOf = "", unit = ""] = line.split(" ");
      expect(unitOf.endsWith(`_${unit}`)).toBe(true);
    } else if (!/^# HELP \w+ /.test(line)) {
      const found = /^(\w+)(?:\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line);
      expect(found, line).not.toBeNull();
      samples.push({ name: found?.[1] ?? "", labels: found?.[2] ?? "", value: Number(found?.[3]) });
      expect(samples.at(-1)?.value).not.toBeNaN();
    }
  }
  return { types, samples };
}

describe("OpenMetrics", () => {
  it("R-168 is text that its grammar takes, with counters that only grow and cumulative buckets", () => {
    const open = new OpenMetrics();
    const labels = { scope: "shop/production", service: 'a"b\\c\nd' };
    const pass: Sample[] = [
      { metric: "host.load", labels: {}, value: 0.5 },
      { metric: "edge.requests", labels, increase: 3 },
      { metric: "replica.restarts", labels, value: 2 },
      { metric: "edge.latency", labels, histogram: { [bucketOf(20)]: 2, [bucketOf(30_000)]: 1 } },
    ];
    open.take(10_000, pass);
    open.take(20_000, pass);
    const { types, samples } = parse(open.text());
    expect(types.get("roadstead_edge_latency_seconds")).toBe("histogram");
    const value = (name: string) => samples.find((sample) => sample.name === name)?.value;
    expect(value("roadstead_edge_requests_total")).toBe(6);
    expect(value("roadstead_replica_restarts_total")).toBe(2);
    expect(value("roadstead_edge_latency_seconds_count")).toBe(6);
    const buckets = samples.filter(({ name }) => name === "roadstead_edge_latency_seconds_bucket");
    expect(buckets.map(({ value: count }) => count)).toEqual([0, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6]);
    expect(buckets.at(-1)?.labels).toContain('le="+Inf"');
  });

  it("forgets what is gone, and names units once", () => {
    const open = new OpenMetrics();
    open.take(0, [{ metric: "host.load", labels: {}, value: 1 }]);
    open.take(200_000, [{ metric: "host.cpu", labels: {}, value: 0.1 }]);
    expect([...parse(open.text()).types.keys()]).toEqual(["roadstead_host_cpu_ratio"]);
    expect(openMetricsName("edge.requests")).toBe("roadstead_edge_requests");
  });
});
