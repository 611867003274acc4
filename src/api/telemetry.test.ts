import { describe, expect, it } from "vitest";
import { aStackService, version } from "../reconciler/world-support.ts";
import { createMemoryTelemetry } from "../telemetry/drivers/memory.ts";
import { OpenMetrics, openMetricsType } from "../watch/open-metrics.ts";
import { SlowQueryBook } from "../watch/slow-queries.ts";
import { ApiWorld } from "./api-support.ts";
import { createToken } from "./auth/token.ts";
import type { BoardFacts } from "./board/board.ts";
import { projectRows } from "./board/projects.ts";

const passMs = 10_000;

function measured() {
  const telemetry = createMemoryTelemetry();
  const openMetrics = new OpenMetrics();
  const api = new ApiWorld({ telemetry, openMetrics });
  const at = Math.floor(api.parts.clock.now() / passMs) * passMs;
  const samples = ["shop/production", "blog/production"].map((scope) => ({
    ...{ metric: "edge.requests" as const, labels: { scope, service: "web", code: "2xx" }, increase: 7 },
  }));
  telemetry.record(at, samples);
  openMetrics.take(at, samples);
  const onlyBlog = createToken("bea", api.parts, {
    grants: [{ role: "viewer", stack: "blog" }],
  }).secret;
  const get = (url: string, token: string | undefined) =>
    api.server.app.inject({
      method: "GET",
      url,
      headers: { host: "localhost", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    });
  return { api, at, get, onlyBlog };
}

describe("telemetry of the API", () => {
  it("R-168 gives a metric over time and its newest values, of stacks that the caller may read", async () => {
    const { api, at, get, onlyBlog } = measured();
    const range = `/api/v1/telemetry/range?metric=edge.requests&groupBy=scope&from=${at}&to=${at + passMs}&step=10000`;
    const all = (await get(range, api.token)).json();
    expect(all.series).toEqual([
      {
        ...{ metric: "edge.requests", labels: { scope: "blog/production" }, step: passMs, kind: "counter" },
        points: [{ at, increase: 7 }],
      },
      expect.objectContaining({ labels: { scope: "shop/production" } }),
    ]);
    expect((await get(range, onlyBlog)).json().series).toHaveLength(1);
    const foreign = `${range}&match=scope:shop/production`;
    expect((await get(foreign, onlyBlog)).json().series).toEqual([]);
    const latest = "/api/v1/telemetry/latest?metric=edge.requests";
    expect((await get(latest, api.token)).json().values).toHaveLength(2);
    expect((await get(latest, onlyBlog)).json().values).toHaveLength(1);
  });

  it("does not add up stacks that the caller may not read", async () => {
    const { at, get, onlyBlog } = measured();
    const sum = `/api/v1/telemetry/range?metric=edge.requests&groupBy=service&from=${at}&to=${at + passMs}`;
    expect((await get(sum, onlyBlog)).statusCode).toBe(403);
    expect((await get(`${sum}&match=scope:blog/production`, onlyBlog)).json().series).toHaveLength(1);
  });

  it("refuses unknown metrics and times that make no sense", async () => {
    const { api, get } = measured();
    expect((await get("/api/v1/telemetry/latest?metric=no.such", api.token)).statusCode).toBe(404);
    const backwards = "/api/v1/telemetry/range?metric=host.cpu&from=5&to=4";
    expect((await get(backwards, api.token)).statusCode).toBe(400);
  });

  it("R-168 serves OpenMetrics to whoever may read, and to nobody else", async () => {
    const { api, get, onlyBlog } = measured();
    const answer = await get("/metrics", api.token);
    expect(answer.headers["content-type"]).toBe(openMetricsType);
    expect(answer.body).toContain(
      'roadstead_edge_requests_total{scope="shop/production",service="web",code="2xx"} 7\n',
    );
    expect((await get("/metrics", onlyBlog)).body).not.toContain("shop/production");
    expect((await get("/metrics", undefined)).statusCode).toBe(401);
  });
});

describe("slow statements", () => {
  it("R-184 are listed with their times, of stacks that the caller may read", async () => {
    const slowQueries = new SlowQueryBook();
    const scope = { stack: "shop", environment: "production" };
    const place = { scope, service: "db", database: "orders" };
    slowQueries.note({ ...place, text: "select pg_sleep(0.25), 'ann'", ms: 250, calls: 1 }, 1000);
    slowQueries.note({ ...place, text: "select pg_sleep(0.35), 'bob'", ms: 350, calls: 1 }, 2000);
    const api = new ApiWorld({ slowQueries });
    const answer = await api.call("GET", "/api/v1/databases/slow-queries");
    const times = { calls: 2, meanMs: 300, maxMs: 350, lastSeen: 2000 };
    expect(answer.json).toEqual({ queries: [{ ...place, text: "select pg_sleep(?), ?", ...times }] });
    const blog = createToken("bea", api.parts, { grants: [{ role: "viewer", stack: "blog" }] }).secret;
    const headers = { authorization: `Bearer ${blog}` };
    const others = await api.call("GET", "/api/v1/databases/slow-queries", { anonymous: true, headers });
    expect(others.json).toEqual({ queries: [] });
  });
});

describe("public addresses", () => {
  it("R-164 asks each through the edge, of stacks that the caller may read", async () => {
    const { api, get, onlyBlog } = measured();
    const routes = [{ host: "shop.test", path: "/", port: 3000, stripPath: false }];
    await api.world.deploy([version(aStackService("web", { routes }), 1)]);
    const answer = (await get("/api/v1/health/urls", api.token)).json();
    expect(answer).toMatchObject({
      ok: true,
      urls: [
        { service: "web", url: expect.stringMatching(/^http:\/\/shop\.test(:\d+)?\/healthz$/), status: 200 },
      ],
    });
    expect((await get("/api/v1/health/urls", onlyBlog)).json()).toEqual({ ok: true, urls: [] });
  });
});

describe("availability (R-176)", () => {
  const dayMs = 86_400_000;

  /** A day of minutes with a share of them down. */
  function ranges(down: Readonly<Record<string, number>>): BoardFacts["ranges"] {
    return {
      range({ metric, from }) {
        const count = 1440;
        if (down[metric] === undefined) return [];
        const points = Array.from({ length: count }, (_, index) => {
          const value = index < (down[metric] ?? 0) ? 0 : 1;
          return { at: from + index * 60_000, min: value, avg: value, max: value };
        });
        return [{ metric, labels: { scope: "shop/production" }, step: 60_000, kind: "gauge", points }];
      },
    };
  }

  it.each([
    [{ "service.up": 14.4 }, 0.99],
    [{ "service.up": 0, "route.up": 144 }, 0.9],
    [{ "service.up": 144, "route.up": 0 }, 0.9],
  ])("%j minutes down in a day", (down, expected) => {
    const scope = { stack: "shop", environment: "production" };
    const scopes = [{ scope, warm: [], services: [] }];
    const facts = { now: dayMs, ranges: ranges(down), scopes, alerts: [], deployments: [] };
    expect(projectRows(facts)[0]?.availability).toBeCloseTo(expected, 2);
  });
});
