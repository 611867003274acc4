import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  ask,
  backend,
  countersOf,
  eventually,
  freePort,
  route,
  startBackend,
} from "../../conformance-support.ts";
import { HaproxyEdge } from "../haproxy.ts";
import { askSocket } from "./admin-socket.ts";
import { layoutOf } from "./layout.ts";
import {
  type HaproxyWorld,
  installed,
  selfSigned,
  startHaproxy,
  startLoad,
  tcpEcho,
} from "./real-support.ts";

type TestBackend = Awaited<ReturnType<typeof startBackend>>;

const signal = () => AbortSignal.timeout(20_000);

if (!installed && process.env["CI"] === "true") throw new Error("CI needs haproxy: apt-get install haproxy");
if (!installed)
  describe("haproxy operation", () => it.skip("skipped: haproxy is not installed", () => undefined));
else describe("haproxy operation", operation);

function operation() {
  let world: HaproxyWorld;
  let red: TestBackend;
  let green: TestBackend;
  beforeAll(async () => {
    [red, green] = await Promise.all([startBackend("red"), startBackend("green")]);
    world = await startHaproxy();
  });
  afterAll(async () => {
    await world?.close();
    await Promise.all([red?.close(), green?.close()]);
  });

  const web = (a: number, b: number, more = {}) =>
    backend(
      "web",
      [
        { ...red, weight: a },
        { ...green, weight: b },
      ],
      more,
    );
  const site = [route("app.test", "/", "web")];

  async function openWebSocket(host: string): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${world.httpPort}/`, { headers: { host } });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return socket;
  }

  async function echo(socket: WebSocket, text: string): Promise<string> {
    const answer = new Promise<string>((resolve, reject) => {
      socket.once("message", (data) => resolve(String(data)));
      socket.once("close", () => reject(new Error("closed")));
    });
    socket.send(text);
    return answer;
  }

  it("R-038 changes weights 200 times under load: no failed request, an open WebSocket lives, no reload", async () => {
    await world.apply({ routes: site, backends: [web(100, 0)] });
    const before = await world.workers();
    const socket = await openWebSocket("app.test");
    const load = startLoad(world.httpPort, { host: "app.test", clients: 8 });
    const took: number[] = [];
    for (let n = 0; n < 200; n += 1) {
      const weights = [web(100, 0), web(90, 10), web(0, 100)][n % 3];
      const began = performance.now();
      await world.apply({ routes: site, backends: weights ? [weights] : [] });
      took.push(performance.now() - began);
    }
    const result = await load.stop();
    took.sort((a, b) => a - b);
    console.info(
      `200 changes, ${result.requests} requests, apply p50 ${took[100]?.toFixed(1)} p99 ${took[197]?.toFixed(1)} ms`,
    );
    expect(result.failed).toEqual([]);
    expect(result.targets.get("green")).toBeGreaterThan(0);
    expect(await echo(socket, "still here")).toBe("red:still here");
    socket.close();
    expect(await world.workers()).toEqual(before);
  });

  it("R-038 adds and removes services and routes without a reload", async () => {
    await world.apply({ routes: site, backends: [web(100, 0)] });
    const before = await world.workers();
    const routes = [...site, route("new.test", "/", "new", { compress: true, bodyLimitBytes: 100 })];
    await world.apply({ routes, backends: [web(100, 0), backend("new", [green])] });
    expect((await ask(world, "new.test", "/")).target).toBe("green");
    await world.apply({ routes: site, backends: [web(100, 0)] });
    expect((await ask(world, "new.test", "/")).status).toBe(404);
    expect(await world.workers()).toEqual(before);
  });

  it("adds a listener under load by a reload without a failed request; WebSockets of the old worker live on", async () => {
    await world.apply({ routes: site, backends: [web(100, 0)] });
    const before = await world.workers();
    const socket = await openWebSocket("app.test");
    const load = startLoad(world.httpPort, { host: "app.test", clients: 8, pauseMs: 2 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const internal = [
      {
        host: "127.0.0.1",
        port: await freePort(),
        protocol: "http" as const,
        backend: "web",
        allow: ["127.0.0.1"],
      },
    ];
    await world.apply({ routes: site, backends: [web(100, 0)], internal });
    const after = await world.workers();
    expect(after.now).not.toBe(before.now);
    expect(after.old).toContain(before.now);
    await world.apply({ routes: site, backends: [web(0, 100)], internal });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const result = await load.stop();
    console.info(`reload: ${result.requests} requests, ${result.failed.length} failed`);
    expect(result.failed).toEqual([]);
    expect((await ask(world, "app.test", "/", { port: internal[0]?.port ?? 0 })).target).toBe("green");
    expect(await echo(socket, "old worker")).toBe("red:old worker");
    const drained = await world.edge.drain("red", 0.2, signal());
    expect(drained).toEqual({ drained: false, closedConnections: 1 });
    await eventually(() => socket.readyState === WebSocket.CLOSED);
    // With its last connection gone nothing of ours may keep the old worker, or every reload would leave one for hours.
    await eventually(async () => (await world.workers()).old.length === 0, 15_000);
  });

  it("comes back with the state in force when its worker is killed", async () => {
    await world.apply({ routes: site, backends: [web(0, 100)] });
    const { now } = await world.workers();
    process.kill(now, "SIGKILL");
    await eventually(async () => {
      const status = await ask(world, "app.test", "/").catch(() => undefined);
      return status?.target === "green";
    }, 10_000);
    expect((await world.edge.observe(signal())).version).toBe(world.version);
    await world.apply({ routes: site, backends: [web(100, 0)] });
    expect((await ask(world, "app.test", "/")).target).toBe("red");
  });

  it("is adopted by the next control plane, which refuses older configurations", async () => {
    await world.apply({ routes: site, backends: [web(100, 0)] });
    const before = await world.workers();
    const next = new HaproxyEdge({ home: world.home });
    expect((await next.observe(signal())).version).toBe(world.version);
    await expect(next.apply(world.base, world.version - 1, signal())).rejects.toMatchObject({
      code: "EDGE_VERSION_REFUSED",
    });
    await world.apply({ routes: site, backends: [web(0, 100)] });
    await next.close();
    expect(await world.workers()).toEqual(before);
    expect((await ask(world, "app.test", "/")).target).toBe("green");
  });

  it("R-022 swaps and adds certificates without a reload", async () => {
    const https = { host: "127.0.0.1", port: world.httpsPort };
    const first = await selfSigned("app.test");
    await world.apply({ https, routes: site, backends: [web(100, 0)], certificates: [first] });
    const before = await world.workers();
    const [again, other] = [await selfSigned("app.test"), await selfSigned("*.other.test")];
    const routes = [...site, route("x.other.test", "/", "web", { requireTls: true })];
    await world.apply({ https, routes, backends: [web(100, 0)], certificates: [again, other] });
    expect(await world.workers()).toEqual(before);
    const answer = await ask(world, "x.other.test", "/", { tls: true });
    expect(answer.headers["strict-transport-security"]).toBe("max-age=31536000; includeSubDomains; preload");
    const plain = await ask(world, "x.other.test", "/a?b=1");
    expect([plain.status, plain.headers.location]).toEqual([308, "https://x.other.test/a?b=1"]);
    const shown = await askSocket(
      layoutOf(world.home).adminSocket,
      `show ssl crt-list ${layoutOf(world.home).certificateList}`,
    );
    expect(shown.match(/\.pem/g)).toHaveLength(2);
    const cfg = await readFile(layoutOf(world.home).state, "utf8");
    expect(cfg).not.toContain("PRIVATE KEY");
  });

  it("passes TCP to allowed peers only", async () => {
    const server = createServer((socket) =>
      socket.on("data", (chunk) => socket.write(`echo ${chunk}`)).on("error", () => socket.destroy()),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const target = { id: "db-1", port: typeof address === "object" && address ? address.port : 0 };
    const port = await freePort();
    await world.apply({
      routes: site,
      backends: [web(100, 0), backend("db", [target])],
      internal: [{ host: "127.0.0.1", port, protocol: "tcp", backend: "db", allow: ["127.0.0.1/32"] }],
    });
    expect(await tcpEcho(port, "hi")).toBe("echo hi");
    expect(await tcpEcho(port, "hi", "127.0.0.9")).toBe("closed");
    await new Promise((resolve) => server.close(resolve));
  });

  it("counts by target, with failures apart from the service's own 5xx, and a latency per request", async () => {
    const closed = await freePort();
    await world.apply({
      routes: [...site, route("down.test", "/", "down")],
      backends: [backend("web", [{ ...red, id: "red-2" }]), backend("down", [{ id: "gone", port: closed }])],
    });
    for (const path of ["/", "/?ms=50", "/?status=404", "/?status=503"]) await ask(world, "app.test", path);
    expect((await ask(world, "down.test", "/")).status).toBe(502);
    await eventually(async () => {
      const { latency } = await countersOf(world, "red-2");
      return Object.values(latency).reduce((sum, count) => sum + count, 0) === 4;
    });
    expect(await countersOf(world, "red-2")).toMatchObject({
      requests: 4,
      status2xx: 2,
      status4xx: 1,
      status5xx: 1,
      failures: 0,
      inFlight: 0,
    });
    expect(await countersOf(world, "gone")).toMatchObject({ requests: 1, status5xx: 0, failures: 1 });
  });
}
