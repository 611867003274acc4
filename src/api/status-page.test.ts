import { describe, expect, it } from "vitest";
import { aStackService } from "../reconciler/world-support.ts";
import { ApiWorld } from "./api-support.ts";

const path = "/api/v1/public/status";
const body = { enabled: true, title: "Shop", scopes: ["shop/production"] };

describe("the public status page (R-198)", () => {
  it("is not there until somebody turns it on, which the audit trail keeps", async () => {
    const api = new ApiWorld();
    await api.deploy([aStackService("web")]);
    expect((await api.call("GET", path, { anonymous: true })).status).toBe(404);
    expect((await api.call("POST", "/api/v1/status-page", { body })).status).toBe(200);
    expect((await api.call("GET", path, { anonymous: true })).status).toBe(200);
    expect(api.world.store.audit.list(1)[0]).toMatchObject({
      action: "statusPage.save",
      detail: { before: { enabled: false }, after: body },
    });
    await api.call("POST", "/api/v1/status-page", { body: { ...body, enabled: false } });
    expect((await api.call("GET", path, { anonymous: true })).status).toBe(404);
  });

  it("tells strangers whether routed services work, and nothing of the others", async () => {
    const api = new ApiWorld();
    await api.deploy([
      aStackService("web"),
      aStackService("db", { kind: "database", strategy: "singleton", routes: [] }),
    ]);
    await api.call("POST", "/api/v1/status-page", { body });
    const { json, text } = await api.call("GET", path, { anonymous: true });
    expect(json).toMatchObject({
      title: "Shop",
      state: "up",
      stacks: [{ name: "shop", components: [{ name: "web", state: "up" }] }],
    });
    expect(text).not.toMatch(/db|replica|sha256/);
  });

  it("answers also when a stack is down", async () => {
    const api = new ApiWorld();
    await api.deploy([aStackService("web")]);
    await api.call("POST", "/api/v1/status-page", { body });
    await api.call("POST", "/api/v1/stacks/shop/production/stop", { body: { services: ["web"] } });
    const [deployment] = api.world.store.deployments.list("all", 1);
    if (deployment) await api.world.finished(deployment);
    api.world.clock.advance(11_000);
    const { json } = await api.call("GET", path, { anonymous: true });
    expect(json).toMatchObject({ state: "down" });
  });
});
