import { expect } from "vitest";
import type { EdgeTest } from "./conformance.ts";
import { ask, backend, route } from "./conformance-support.ts";

const signal = () => AbortSignal.timeout(10_000);

/** Tests that need no sockets: routing, weights, hold, versions. */
export const decisionTests: readonly EdgeTest[] = [
  {
    name: "R-018 R-028 routes 12 host and path pairs, longest path on a segment boundary",
    async run(world, { red, green, blue }) {
      await world.apply({
        backends: [red, green, blue].map((service) => backend(service.id, [service])),
        routes: [
          route("app.test", "/", "red"),
          route("app.test", "/api", "green"),
          route("app.test", "/api/v2", "blue"),
          route("app.test", "/socket.io", "green"),
          route("other.test", "/", "blue"),
        ],
      });
      const table: [string, string, string | undefined][] = [
        ["app.test", "/", "red"],
        ["app.test", "/any/page", "red"],
        ["app.test", "/api", "green"],
        ["app.test", "/api/", "green"],
        ["app.test", "/api/health", "green"],
        ["app.test", "/apiary", "red"],
        ["app.test", "/api/v2", "blue"],
        ["app.test", "/api/v2/items?x=1", "blue"],
        ["app.test", "/api/v20", "green"],
        ["app.test", "/socket.io/?EIO=4&transport=polling", "green"],
        ["APP.test", "/api?x=/", "green"],
        ["other.test", "/api", "blue"],
        ["unknown.test", "/", undefined],
      ];
      for (const [host, path, target] of table) {
        const answer = await ask(world, host, path);
        expect([host, path, answer.target, answer.status]).toEqual([host, path, target, target ? 200 : 404]);
      }
    },
  },
  {
    name: "R-021 an exact host wins over a wildcard of one label, which wins over any host",
    async run(world, { red, green, blue }) {
      await world.apply({
        backends: [red, green, blue].map((service) => backend(service.id, [service])),
        routes: [
          route("*", "/", "red"),
          route("*.lilastudy.test", "/", "green"),
          route("api.lilastudy.test", "/", "blue"),
        ],
      });
      const hosts: [string, string][] = [
        ["api.lilastudy.test", "blue"],
        ["x.lilastudy.test", "green"],
        ["a.x.lilastudy.test", "red"],
        ["lilastudy.test", "red"],
        ["elsewhere.test", "red"],
      ];
      for (const [host, target] of hosts)
        expect([host, (await ask(world, host, "/")).target]).toEqual([host, target]);
    },
  },
  {
    name: "a less exact host serves the paths that the more exact one leaves free",
    async run(world, { red, green }) {
      await world.apply({
        backends: [red, green].map((service) => backend(service.id, [service])),
        routes: [route("*", "/", "red"), route("app.test", "/api", "green")],
      });
      expect((await ask(world, "app.test", "/api/x")).target).toBe("green");
      expect((await ask(world, "app.test", "/page")).target).toBe("red");
    },
  },
  {
    name: "R-082 a weight of 10 % gets 10 % of 2,000 requests, within 2 points",
    async run(world, { red, green }) {
      await world.apply({
        routes: [route("app.test", "/", "web")],
        backends: [
          backend("web", [
            { ...red, weight: 90 },
            { ...green, weight: 10 },
          ]),
        ],
      });
      let canary = 0;
      for (let batch = 0; batch < 125; batch += 1) {
        const answers = await Promise.all(Array.from({ length: 16 }, () => ask(world, "app.test", "/")));
        canary += answers.filter((answer) => answer.target === "green").length;
      }
      expect(canary).toBeGreaterThanOrEqual(160);
      expect(canary).toBeLessThanOrEqual(240);
    },
  },
  {
    name: "a target of weight 0 gets no new request, and a backend without weight answers 503",
    async run(world, { red, green }) {
      const weights = (a: number, b: number) => ({
        routes: [route("app.test", "/", "web")],
        backends: [
          backend("web", [
            { ...red, weight: a },
            { ...green, weight: b },
          ]),
        ],
      });
      await world.apply(weights(100, 0));
      for (let n = 0; n < 20; n += 1) expect((await ask(world, "app.test", "/")).target).toBe("red");
      await world.apply(weights(0, 0));
      expect((await ask(world, "app.test", "/")).status).toBe(503);
    },
  },
  {
    name: "held requests wait and are answered by the new target when the hold is lifted",
    async run(world, { red, green }) {
      const config = (hold: boolean, service: typeof red) => ({
        routes: [route("app.test", "/", "web")],
        backends: [backend("web", [service], { hold })],
      });
      await world.apply(config(true, red));
      let answered = 0;
      const waiting = Array.from({ length: 5 }, async () => {
        const answer = await ask(world, "app.test", "/");
        answered += 1;
        return answer;
      });
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(answered).toBe(0);
      await world.apply(config(false, green));
      for (const answer of await Promise.all(waiting))
        expect([answer.status, answer.target]).toEqual([200, "green"]);
    },
  },
  {
    name: "refuses a configuration older than the running one, and repeats the running one",
    async run(world, { red, green }) {
      const config = (service: typeof red) => ({
        ...world.base,
        routes: [route("app.test", "/", "web")],
        backends: [backend("web", [service])],
      });
      world.version += 10;
      const { version } = world;
      await world.edge.apply(config(red), version, signal());
      await expect(world.edge.apply(config(green), version - 1, signal())).rejects.toMatchObject({
        code: "EDGE_VERSION_REFUSED",
      });
      expect((await ask(world, "app.test", "/")).target).toBe("red");
      await world.edge.apply(config(red), version, signal());
      expect((await world.edge.observe(signal())).version).toBe(version);
    },
  },
  {
    name: "refuses a configuration that contradicts itself and keeps the old one in force",
    async run(world, { red }) {
      const good = { routes: [route("app.test", "/", "web")], backends: [backend("web", [red])] };
      await world.apply(good);
      const { version } = await world.edge.observe(signal());
      await expect(
        world.apply({ ...good, routes: [route("app.test", "/", "nobody")] }),
      ).rejects.toMatchObject({
        code: "EDGE_CONFIG_INVALID",
        message: expect.stringContaining("nobody"),
      });
      expect((await world.edge.observe(signal())).version).toBe(version);
      expect((await ask(world, "app.test", "/")).target).toBe("red");
    },
  },
  {
    name: "observes version, holds, targets and weights as applied",
    async run(world, { red, green }) {
      await world.apply({
        routes: [route("app.test", "/", "web")],
        backends: [
          backend("web", [
            { ...red, weight: 90 },
            { ...green, weight: 10 },
          ]),
          backend("db", [], { hold: true }),
        ],
      });
      const observed = await world.edge.observe(signal());
      expect(observed.version).toBe(world.version);
      expect([...observed.backends].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
        { id: "db", hold: true, targets: [] },
        {
          id: "web",
          hold: false,
          targets: [
            { id: "red", weight: 90 },
            { id: "green", weight: 10 },
          ],
        },
      ]);
    },
  },
  {
    name: "drains an idle target at once",
    async run(world, { red, green }) {
      await world.apply({
        routes: [route("app.test", "/", "web")],
        backends: [backend("web", [{ ...red, weight: 0 }, green])],
      });
      const started = performance.now();
      expect(await world.edge.drain("red", 10, signal())).toEqual({ drained: true, closedConnections: 0 });
      expect(performance.now() - started).toBeLessThan(2_000);
    },
  },
];
