import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { quantileOf } from "../lib/histogram.ts";
import type { EdgeTest } from "./conformance.ts";
import { openSocket, startLoad } from "./conformance-load-support.ts";
import {
  ask,
  backend,
  countersOf,
  eventually,
  freePort,
  route,
  startBackend,
} from "./conformance-support.ts";

const signal = () => AbortSignal.timeout(30_000);
const web = { routes: [route("app.test", "/", "web")] };

/** Nothing may fail while targets and weights change, come and go. */
export const rolloutTests: readonly EdgeTest[] = [
  {
    name: "R-038 R-085 200 changes of routes and weights under load: no failed request, an unrelated WebSocket stays",
    needs: "traffic",
    async run(world, { red, green, blue }) {
      const config = (n: number) => ({
        routes: [...web.routes, route("ws.test", "/", "sockets"), route(`extra-${n % 7}.test`, "/", "web")],
        backends: [
          backend("web", [
            { ...red, weight: (n * 10) % 101 },
            { ...green, weight: 100 - ((n * 10) % 101) },
          ]),
          backend("sockets", [blue]),
        ],
      });
      await world.apply(config(0));
      const socket = await openSocket(world, "ws.test", "/");
      const load = startLoad(world, { host: "app.test", path: "/x", concurrency: 8 });
      for (let n = 1; n <= 200; n += 1) await world.apply(config(n));
      const report = await load.stop();
      expect(report.failures).toEqual([]);
      expect(report.sent).toBeGreaterThan(200);
      expect(await socket.echo("still here")).toBe("blue:still here");
      socket.socket.close();
    },
  },
  {
    name: "after a confirmed cut-over no new request reaches the old target",
    needs: "traffic",
    async run(world, { red, green }) {
      await world.apply({ ...web, backends: [backend("web", [red])] });
      const load = startLoad(world, { host: "app.test", path: "/", concurrency: 8 });
      await eventually(() => (load.report.byTarget["red"] ?? 0) > 50);
      await world.apply({ ...web, backends: [backend("web", [green])] });
      await world.edge.drain("red", 5, signal());
      const before = red.requests();
      await eventually(() => (load.report.byTarget["green"] ?? 0) > 200);
      const report = await load.stop();
      expect(red.requests()).toBe(before);
      expect(report.failures).toEqual([]);
    },
  },
  {
    name: "R-008 a target that dies under load fails no request",
    needs: "traffic",
    async run(world, { red, green }) {
      const doomed = await startBackend("doomed");
      await world.apply({ ...web, backends: [backend("web", [red, green, doomed])] });
      const load = startLoad(world, { host: "app.test", path: "/", concurrency: 8 });
      await eventually(() => (load.report.byTarget["doomed"] ?? 0) > 50);
      await doomed.close();
      const at = load.report.sent;
      await eventually(() => load.report.sent > at + 500);
      expect((await load.stop()).failures).toEqual([]);
    },
  },
  {
    name: "R-008 a target that closes its idle connections all the time fails no request, or one GET of a thousand",
    needs: "traffic",
    async run(world, _services, { idleCloseRace }) {
      const server = createServer((incoming, outgoing) => {
        incoming.resume();
        outgoing.writeHead(200, { "x-served-by": "rude", "content-length": 2 }).end("ok");
        outgoing.on("finish", () =>
          setTimeout(() => incoming.socket.destroy(), Math.floor(Math.random() * 3)),
        );
      });
      server.keepAliveTimeout = 60_000;
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      try {
        await world.apply({ ...web, backends: [backend("web", [{ id: "rude", port }])] });
        const load = startLoad(world, { host: "app.test", path: "/", concurrency: 4 });
        await eventually(() => load.report.sent > 3_000, 40_000);
        const { sent, failures } = await load.stop();
        expect(failures.filter((failure) => idleCloseRace === "none" || failure !== "status 502")).toEqual(
          [],
        );
        expect(failures.length).toBeLessThanOrEqual(Math.ceil(sent / 1_000));
      } finally {
        server.close();
        server.closeAllConnections();
      }
    },
  },
  {
    name: "R-085 drain waits for a slow request, which completes",
    needs: "traffic",
    async run(world, { red, green }) {
      await world.apply({ ...web, backends: [backend("web", [red])] });
      const slow = ask(world, "app.test", "/?ms=600");
      await eventually(async () => (await countersOf(world, "red")).inFlight === 1);
      await world.apply({ ...web, backends: [backend("web", [green])] });
      const started = performance.now();
      expect(await world.edge.drain("red", 10, signal())).toEqual({ drained: true, closedConnections: 0 });
      expect(performance.now() - started).toBeGreaterThan(100);
      expect(await slow).toMatchObject({ status: 200, target: "red" });
    },
  },
  {
    name: "R-092 drain closes WebSockets at its deadline, with code 1001 or at once, and says how many",
    needs: "traffic",
    async run(world, { red, green }, { closeFrame }) {
      await world.apply({ ...web, backends: [backend("web", [red])] });
      const sockets = await Promise.all(Array.from({ length: 5 }, () => openSocket(world, "app.test", "/")));
      expect((await countersOf(world, "red")).upgraded).toBe(5);
      await world.apply({ ...web, backends: [backend("web", [green])] });
      expect(await sockets[0]?.echo("old")).toBe("red:old");
      expect(await world.edge.drain("red", 0.3, signal())).toEqual({ drained: false, closedConnections: 5 });
      expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual(
        sockets.map(() => (closeFrame ? 1001 : 1006)),
      );
      const again = await openSocket(world, "app.test", "/");
      expect(await again.echo("new")).toBe("green:new");
      again.socket.close();
      await eventually(async () => (await countersOf(world, "red")).upgraded === 0);
    },
  },
  {
    name: "R-031 passes WebSocket messages both ways, and close codes unchanged",
    needs: "traffic",
    async run(world, { red }) {
      await world.apply({ ...web, backends: [backend("web", [red])] });
      const { socket, echo, closed } = await openSocket(world, "app.test", "/socket.io/?EIO=4");
      expect(await echo("hello")).toBe("red:hello");
      const long = "x".repeat(300_000);
      expect(await echo(long)).toBe(`red:${long}`);
      socket.send("close 4001");
      expect(await closed).toBe(4001);
    },
  },
  {
    name: "R-091 a cookie keeps a client on its target through weight 0, until the target leaves",
    needs: "traffic",
    async run(world, { red, green }) {
      const config = (a: number, b: number) => ({
        ...web,
        backends: [
          backend(
            "web",
            [
              { ...red, weight: a },
              { ...green, weight: b },
            ],
            { sticky: true },
          ),
        ],
      });
      await world.apply(config(100, 0));
      const first = await ask(world, "app.test", "/");
      const cookie = (first.headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "";
      expect(cookie).not.toBe("");
      await world.apply(config(0, 100));
      for (let n = 0; n < 10; n += 1) {
        expect((await ask(world, "app.test", "/", { headers: { cookie: `a=1; ${cookie}` } })).target).toBe(
          "red",
        );
        expect((await ask(world, "app.test", "/")).target).toBe("green");
      }
      await world.apply({ ...web, backends: [backend("web", [green], { sticky: true })] });
      const moved = await ask(world, "app.test", "/", { headers: { cookie } });
      expect(moved.target).toBe("green");
      expect(moved.headers["set-cookie"]?.length).toBe(1);
    },
  },
  {
    name: "counts requests, status classes, failures and latency per target exactly",
    needs: "traffic",
    async run(world, { red }) {
      const fresh = { ...red, id: `counted-${world.version}` };
      const dead = { id: `dead-${world.version}`, port: await freePort() };
      await world.apply({
        routes: [...web.routes, route("dead.test", "/", "dead")],
        backends: [backend("web", [fresh]), backend("dead", [dead])],
      });
      const plan: [string, number][] = [
        ["/", 7],
        ["/?status=302", 2],
        ["/?status=404", 3],
        ["/?status=500", 4],
        ["/?ms=200", 2],
      ];
      for (const [path, times] of plan) for (let n = 0; n < times; n += 1) await ask(world, "app.test", path);
      for (let n = 0; n < 3; n += 1) expect((await ask(world, "dead.test", "/")).status).toBe(502);
      await eventually(async () => (await countersOf(world, fresh.id)).inFlight === 0);
      const counters = await countersOf(world, fresh.id);
      expect(counters).toMatchObject({
        ...{
          backend: "web",
          requests: 18,
          status2xx: 9,
          status3xx: 2,
          status4xx: 3,
          status5xx: 4,
          failures: 0,
        },
      });
      expect(Object.values(counters.latency).reduce((sum, count) => sum + count, 0)).toBe(18);
      const slowest = quantileOf(counters.latency, 1) ?? 0;
      expect(slowest).toBeGreaterThan(190);
      expect(slowest).toBeLessThan(400);
      expect(await countersOf(world, dead.id)).toMatchObject({ failures: 3, status5xx: 0, status2xx: 0 });
    },
  },
  {
    name: "the edge process serves its last configuration after a restart",
    needs: "restart",
    async run(world, { red }) {
      if (!world.restart) throw new Error("the driver offers no restart");
      await world.apply({ ...web, backends: [backend("web", [red])] });
      const { version } = world;
      await world.restart();
      await eventually(
        async () => (await ask(world, "app.test", "/").catch(() => undefined))?.target === "red",
        20_000,
      );
      expect((await world.edge.observe(signal())).version).toBe(version);
    },
  },
];
