import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bucketOf } from "../lib/histogram.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import type { Store } from "../store/port.ts";
import { createMemoryTelemetry } from "../telemetry/drivers/memory.ts";
import { OpenMetrics } from "./open-metrics.ts";
import type { Gauge } from "./parts.ts";
import { makeSenders, type SenderSettings } from "./senders.ts";
import { Watch } from "./watch.ts";

type Got = {
  method: string;
  path: string;
  token: string | undefined;
  type: string | undefined;
  body: string;
};
const got: Got[] = [];
let status = 200;
let server: Server;
let address = "";
const folder = mkdtempSync(join(tmpdir(), "roadstead-senders-"));

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      got.push({ method, path: url, token: headers.authorization, type: headers["content-type"], body });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function world(settings: SenderSettings, edge: Gauge["read"] = () => []) {
  const clock = new ManualClock();
  const logged: string[] = [];
  const log = (_: string, text: string) => void logged.push(text);
  const openMetrics = new OpenMetrics();
  const gauges = [
    { name: "edge", read: edge },
    { name: "host", read: () => [] },
  ];
  const watch = new Watch({ telemetry: createMemoryTelemetry(), clock, log }, gauges);
  const store = { scopes: { list: () => [] } } as unknown as Store;
  const senders = makeSenders(settings, { clock, log, store, watch, openMetrics, version: "1.2.3" });
  got.length = 0;
  status = 200;
  for (const sender of senders) sender.start();
  /** A minute later; resolves when what is sent then has come, or was not sent. */
  const minute = async (measured = true) => {
    clock.advance(59_000);
    if (measured) await watch.pass(clock.now());
    clock.advance(1000);
    for (let turn = 0; turn < 200 && clock.sleeping < senders.length; turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.sleeping).toBe(senders.length);
  };
  return { clock, logged, openMetrics, minute, stop: () => Promise.all(senders.map((one) => one.stop())) };
}

describe("the dead man's signal (R-196)", () => {
  const heartbeat = () => ({ heartbeat: { url: `${address}/ping/secret-1`, everySeconds: 60 } });

  it("comes every minute while the platform is well, and stays away when it is not", async () => {
    let dead = false;
    const { minute, logged, stop } = world(heartbeat(), () => {
      if (dead) throw new Error("no socket");
      return [];
    });
    await minute();
    await minute();
    expect(got.map(({ method, path }) => `${method} ${path}`)).toEqual(Array(2).fill("GET /ping/secret-1"));
    dead = true;
    await minute();
    expect(got).toHaveLength(2);
    dead = false;
    await minute();
    await minute(false);
    expect(got).toHaveLength(3);
    await stop();
    expect(logged).toEqual([
      "edge can't be measured: no socket",
      "the heartbeat fails: nothing is sent: edge can't be measured",
      "edge is measured again",
      "the heartbeat works again",
      "the heartbeat fails: nothing is sent: nothing is measured",
    ]);
  });

  it("tells once that nobody takes it, without its address", async () => {
    const { minute, logged, stop } = world(heartbeat());
    status = 500;
    await minute();
    await minute();
    await stop();
    expect(logged).toEqual([`the heartbeat fails: ${address.slice(7)} answered 500`]);
  });
});

describe("the export to OpenTelemetry", () => {
  it("R-168 posts gauges, counters and histograms as OTLP/HTTP wants them", async () => {
    const headersFile = join(folder, "headers.json");
    writeFileSync(headersFile, JSON.stringify({ authorization: "Bearer t0ken" }));
    const url = `${address}/v1/metrics`;
    const { clock, openMetrics, minute, stop } = world({ otlp: { url, everySeconds: 60, headersFile } });
    const labels = { scope: "shop/production", service: "web" };
    const at = clock.now();
    openMetrics.take(at, [
      { metric: "service.up", labels, value: 1 },
      { metric: "edge.requests", labels, increase: 5 },
      { metric: "edge.latency", labels, histogram: { [bucketOf(3)]: 2, [bucketOf(20_000)]: 1 } },
    ]);
    await minute();
    await stop();
    expect(got).toHaveLength(1);
    expect(got[0]).toMatchObject({ method: "POST", token: "Bearer t0ken", type: "application/json" });
    const { resourceMetrics } = JSON.parse(got[0]?.body ?? "{}");
    const { metrics } = resourceMetrics[0].scopeMetrics[0];
    const attributes = [
      { key: "scope", value: { stringValue: "shop/production" } },
      { key: "service", value: { stringValue: "web" } },
    ];
    const point = { attributes, timeUnixNano: `${at}000000` };
    const started = { ...point, startTimeUnixNano: `${at - 10_000}000000` };
    expect(metrics).toEqual([
      expect.objectContaining({
        name: "roadstead.service.up",
        gauge: { dataPoints: [{ ...point, asDouble: 1 }] },
      }),
      expect.objectContaining({
        name: "roadstead.edge.requests",
        sum: { dataPoints: [{ ...started, asDouble: 5 }], aggregationTemporality: 2, isMonotonic: true },
      }),
      expect.objectContaining({ name: "roadstead.edge.latency", unit: "s" }),
    ]);
    const [histogram] = metrics[2].histogram.dataPoints;
    expect(histogram).toMatchObject({ count: "3", bucketCounts: ["2", ...Array(10).fill("0"), "1"] });
    expect(histogram.explicitBounds).toHaveLength(11);
    expect(histogram.sum).toBeCloseTo(20, 0);
  });
});
