import { describe, expect, it } from "vitest";
import { bucketOf } from "../lib/histogram.ts";
import { openIncident } from "../policy/incident-record.ts";
import { aStackService } from "../reconciler/world-support.ts";
import { createMemoryTelemetry } from "../telemetry/drivers/memory.ts";
import type { Sample } from "../telemetry/port.ts";
import { ApiWorld } from "./api-support.ts";
import { createToken } from "./auth/token.ts";
import type { OverviewView } from "./contract/overview.ts";

const path = "/api/v1/overview";
const passMs = 10_000;
const shop = { scope: "shop/production", service: "web" };

/** A platform whose clock stands three seconds after a pass, with a recorder of passes before it. */
function measured() {
  const telemetry = createMemoryTelemetry();
  const api = new ApiWorld({ telemetry });
  const { clock } = api.world;
  clock.advance(passMs - (clock.now() % passMs) + 3000);
  const newest = Math.floor(clock.now() / passMs) * passMs;
  const passes = (count: number, samples: (index: number) => readonly Sample[] | undefined) => {
    for (let index = count - 1; index >= 0; index--) {
      const some = samples(index);
      if (some) telemetry.record(newest - index * passMs, some);
    }
  };
  const board = async () => (await api.call("GET", path)).json as OverviewView;
  return { api, telemetry, newest, passes, board };
}

const requests = (code: string, increase: number, labels = shop): Sample => ({
  metric: "edge.requests",
  labels: { ...labels, code },
  increase,
});

function incidentOf(api: ApiWorld, changes: { id?: string; drill?: string } = {}): void {
  const now = api.world.clock.now();
  const incident = openIncident({
    ...{ id: "inc_1", incident: "service", service: "web", impact: "", openedBy: "roadstead" },
    ...{ scope: { stack: "shop", environment: "production" }, startedAt: now, detectedAt: now },
    entry: { kind: "probe", text: "It does not answer" },
    ...changes,
  });
  api.parts.recovery.recovery.book.put(incident);
}

describe("the first page's numbers against what was recorded", () => {
  it("R-170 50 requests a second for half a minute are 50, not the mean with the quiet before", async () => {
    const { passes, board } = measured();
    passes(9, (index) => [requests("2xx", index < 3 ? 500 : 0)]);
    expect((await board()).health.requestRate).toMatchObject({ perSecond: 50, word: "Normal" });
  });

  it("R-170 a pass that a busy host left out does not raise the rate", async () => {
    const { passes, board } = measured();
    passes(9, (index) => (index === 1 ? undefined : [requests("2xx", index === 0 ? 400 : 200)]));
    expect((await board()).health.requestRate.perSecond).toBe(20);
  });

  it("R-170 a kind of answer that has only just begun counts over the same time as the others", async () => {
    const { passes, board } = measured();
    passes(9, (index) => [requests("2xx", 180), ...(index === 0 ? [requests("5xx", 20)] : [])]);
    const { requestRate, errorRate } = (await board()).health;
    expect(requestRate.perSecond).toBe(19);
    expect(errorRate.share).toBeCloseTo(20 / (6 * 180 + 20), 6);
  });

  it("R-171 two failures of a thousand are 0.2 %, whoever failed", async () => {
    const { passes, board } = measured();
    passes(1, () => [requests("2xx", 998), requests("5xx", 1), requests("failed", 1)]);
    expect((await board()).health.errorRate).toMatchObject({
      share: expect.closeTo(0.002, 9),
      word: "Good",
    });
  });

  it("R-172 the latency is the mean of all requests, not of the passes", async () => {
    const { passes, board } = measured();
    passes(2, (index) => [
      {
        metric: "edge.latency",
        labels: shop,
        histogram: index === 0 ? { [bucketOf(100)]: 9 } : { [bucketOf(1000)]: 1 },
      },
    ]);
    const { latency } = (await board()).health;
    expect(latency.meanMs).toBeGreaterThan(190 * 0.98);
    expect(latency.meanMs).toBeLessThan(190 * 1.02);
  });

  it("has no number where nothing was measured", async () => {
    const { board } = measured();
    const { health, utilisation } = await board();
    expect(health.requestRate).toEqual({ state: "unknown", word: "Not measured" });
    expect(health.latency.meanMs).toBeUndefined();
    expect(utilisation.cpu).toEqual({ top: [] });
  });
});

describe("the first page's rows", () => {
  const db = { scope: "shop/production", service: "db", database: "orders" };

  it("R-183 shows what a database says of itself, R-186 and what the probes found outside", async () => {
    const { api, passes, board } = measured();
    await api.deploy([
      aStackService("db", { kind: "database", strategy: "singleton", routes: [] }),
      aStackService("web"),
    ]);
    const outside = { scope: "shop/production", dependency: "mail" };
    passes(4, (index) => [
      { metric: "database.connections", labels: db, value: 12 },
      { metric: "database.connections_max", labels: { ...db, database: "" }, value: 100 },
      { metric: "database.cache_hit", labels: db, value: 0.985 },
      { metric: "database.slow_queries", labels: db, increase: index === 0 ? 2 : 1 },
      { metric: "dependency.up", labels: outside, value: index === 3 ? 0 : 1 },
      { metric: "dependency.latency", labels: outside, histogram: { [bucketOf(80)]: 1 } },
    ]);
    const { databases, dependencies } = await board();
    expect(databases).toEqual([
      expect.objectContaining({ database: "orders", connections: 12, connectionsMax: 100, slowQueries: 5 }),
    ]);
    expect(dependencies).toEqual([expect.objectContaining({ name: "mail", state: "up" })]);
    expect(dependencies[0]?.latencyMs).toBeCloseTo(80, -1);
  });

  it("R-178 marks deployments and incidents on the chart, and no drill", async () => {
    const { api, board } = measured();
    await api.deploy();
    incidentOf(api);
    incidentOf(api, { id: "inc_2", drill: "drill_1" });
    const { markers } = (await board()).responseTime;
    expect(markers.map(({ kind }) => kind).sort()).toEqual(["deployment", "incident"]);
    expect(markers.find(({ kind }) => kind === "incident")?.text).toContain("web");
  });

  it("R-224 tells nothing of a stack that one may not read", async () => {
    const { api, passes } = measured();
    await api.deploy();
    incidentOf(api);
    passes(3, () => [
      requests("2xx", 10),
      { metric: "edge.latency", labels: shop, histogram: { [bucketOf(80)]: 1 } },
      { metric: "replica.cpu", labels: { ...shop, replica: "a" }, value: 1 },
      { metric: "replica.memory", labels: { ...shop, replica: "a" }, value: 1e9 },
      { metric: "host.memory_total", labels: {}, value: 4e9 },
      { metric: "database.connections", labels: db, value: 1 },
      { metric: "dependency.up", labels: { scope: "shop/production", dependency: "mail" }, value: 1 },
    ]);
    const { secret } = createToken("bea", api.parts, { grants: [{ role: "viewer", stack: "blog" }] });
    const headers = { authorization: `Bearer ${secret}` };
    const { status, text } = await api.call("GET", path, { anonymous: true, headers });
    expect(status).toBe(200);
    expect(text).not.toMatch(/shop|mail|orders|"web"/);
    expect((await api.call("GET", path)).text).toContain("shop");
    expect((await api.call("GET", path, { anonymous: true })).status).toBe(401);
  });
});
