import { describe, expect, it } from "vitest";
import { edgeConformance } from "../conformance.ts";
import { backend, route } from "../conformance-support.ts";
import { MemoryEdge } from "./memory.ts";

edgeConformance(
  "memory",
  async () => {
    const edge = new MemoryEdge();
    return {
      edge,
      close: () => edge.close(),
      decide: (host, path, asked) =>
        edge.ask(host.toLowerCase(), path.split("?")[0] ?? "/", { tls: asked.tls === true }),
    };
  },
  { traffic: false, restart: false, promises: { closeFrame: true, idleCloseRace: "none" } },
);

const signal = AbortSignal.timeout(10_000);
const config = {
  routes: [route("app.test", "/", "web")],
  backends: [backend("web", [{ id: "red", port: 1 }])],
  internal: [],
  certificates: [],
  trustedProxies: [],
};

describe("memory edge", () => {
  it("fails exactly as often as told, and changes nothing then", async () => {
    const edge = new MemoryEdge();
    edge.failNext(2);
    await expect(edge.apply(config, 1, signal)).rejects.toMatchObject({ code: "EDGE_INJECTED_FAULT" });
    await expect(edge.observe(signal)).rejects.toMatchObject({ code: "EDGE_INJECTED_FAULT" });
    expect(edge.version).toBe(0);
    await edge.apply(config, 1, signal);
    expect(edge.version).toBe(1);
  });

  it("counts what a test records, and requests it decided", async () => {
    const edge = new MemoryEdge();
    await edge.apply(config, 1, signal);
    edge.record("red", { status: 500, ms: 20 });
    edge.record("red", { status: 0, ms: 1 });
    await edge.ask("app.test", "/");
    const [counters] = (await edge.observe(signal)).counters;
    expect(counters).toMatchObject({ requests: 3, status2xx: 1, status5xx: 1, failures: 1, backend: "web" });
  });

  it("drains when the test ends the requests, or reports what the deadline closed", async () => {
    const edge = new MemoryEdge();
    await edge.apply(config, 1, signal);
    edge.begin("red", { inFlight: 1, upgraded: 2 });
    const first = edge.drain("red", 5, signal);
    edge.finish("red");
    expect(await first).toEqual({ drained: true, closedConnections: 0 });
    edge.begin("red", { upgraded: 2 });
    const second = edge.drain("red", 5, signal);
    edge.expireDrains();
    expect(await second).toEqual({ drained: false, closedConnections: 2 });
  });

  it("gives held requests 503 when their limit passes", async () => {
    const edge = new MemoryEdge();
    await edge.apply({ ...config, backends: [backend("web", [], { hold: true })] }, 1, signal);
    const asked = edge.ask("app.test", "/");
    expect(edge.waiting).toBe(1);
    edge.expireHolds();
    expect((await asked).status).toBe(503);
  });
});
