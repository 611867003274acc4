import { describe, expect, it } from "vitest";
import { aStackService, version } from "../reconciler/world-support.ts";
import { ApiWorld, base } from "./api-support.ts";
import type { ChangesView, PageEvent, TopologyView } from "./contract/pages.ts";
import { pageEvents } from "./page-events.ts";

const web = aStackService("web", {
  dependsOn: [{ service: "db", condition: "ready", required: true }],
  compose: { image: "web:1", environment: { DATABASE_URL: "postgres://db:5432/shop", KEY: "hunter2" } },
});
const db = aStackService("db", { kind: "database", strategy: "singleton", routes: [] });

describe("what the dashboard asks for", () => {
  it("lists deployments of all stacks, newest first", async () => {
    const api = new ApiWorld();
    const first = await api.deploy([web, db]);
    const second = await api.deploy([version(web, 2), db]);
    const answer = await api.call("GET", "/api/v1/deployments?limit=5");
    const { deployments } = answer.json as { deployments: { id: string }[] };
    expect(deployments.map(({ id }) => id)).toEqual([second, first]);
    expect(answer.text).not.toContain("hunter2");
  });

  it("draws who waits for whom and who calls whom, without values of variables (R-107)", async () => {
    const api = new ApiWorld();
    await api.deploy([web, db]);
    const answer = await api.call("GET", `${base}/topology`);
    const { services } = answer.json as TopologyView;
    expect(services.find(({ name }) => name === "web")).toMatchObject({
      routes: ["web.test"],
      waitsFor: ["db"],
      calls: ["db"],
      image: "web:1",
    });
    expect(answer.text).not.toContain("hunter2");
  });

  it("says what to do where nothing is deployed", async () => {
    const answer = await new ApiWorld().call("GET", `${base}/topology`);
    expect(answer.status).toBe(404);
    expect(answer.text).toContain("roadstead deploy");
  });

  it("tells a release's changes against the one before, images by digest", async () => {
    const api = new ApiWorld();
    await api.deploy([web, db]);
    await api.deploy([version(web, 2), db]);
    const changes = (await api.call("GET", `${base}/releases/v2/changes`)).json as ChangesView;
    expect([changes.from?.number, changes.to.number]).toEqual([1, 2]);
    expect(changes.services).toMatchObject([{ service: "web", change: "changed" }]);
    expect(changes.images.map(({ path }) => path)).toEqual(["web"]);
    const first = (await api.call("GET", `${base}/releases/v1/changes`)).json as ChangesView;
    expect(first.from).toBeUndefined();
    expect(first.services.map(({ change }) => change)).toEqual(["added", "added"]);
  });

  it("tells of a deployment once, however many steps it took meanwhile", async () => {
    const api = new ApiWorld();
    const end = new AbortController();
    const events = pageEvents(api.parts, end.signal, () => true);
    expect((await events.next()).value).toMatchObject({ item: { type: "hello" } });
    const next = events.next();
    const id = await api.deploy([db]);
    const { item } = (await next).value as { item: PageEvent };
    expect(item).toMatchObject({ type: "changed", topic: "deployment", id, scope: { stack: "shop" } });
    end.abort();
    await events.return();
  });

  it("tells another project's people nothing of this one (R-224)", async () => {
    const api = new ApiWorld();
    const end = new AbortController();
    const events = pageEvents(api.parts, end.signal, ({ stack }) => stack === "other");
    expect((await events.next()).value).toMatchObject({ item: { type: "hello" } });
    let told = false;
    const next = events.next().then(({ done }) => (told ||= done !== true));
    await api.deploy([db]);
    api.world.clock.advance(1000);
    end.abort();
    await next;
    expect(told).toBe(false);
  });

  it("streams over HTTP, and ends with the server", async () => {
    const api = new ApiWorld();
    const response = await api.server.app.inject({
      url: "/api/v1/events",
      headers: { host: "127.0.0.1:7700", authorization: `Bearer ${api.token}` },
      payloadAsStream: true,
    });
    expect(response.headers["content-type"]).toContain("text/event-stream");
    const parts = response.stream();
    const [first] = (await parts.take(1).toArray()) as Buffer[];
    expect(String(first)).toContain('event: hello\ndata: {"type":"hello"');
    await api.server.close();
  });
});
