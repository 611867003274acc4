import { describe, expect, it } from "vitest";
import { openIncident } from "../policy/incident-record.ts";
import { aStackService } from "../reconciler/world-support.ts";
import { createMemoryTelemetry } from "../telemetry/drivers/memory.ts";
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

  it("shows by day for how much of it visitors were served, and incidents without their causes", async () => {
    const telemetry = createMemoryTelemetry();
    const api = new ApiWorld({ telemetry });
    await api.deploy([aStackService("web"), aStackService("mailer", { kind: "worker", routes: [] })]);
    await api.call("POST", "/api/v1/status-page", { body });
    const now = api.world.clock.now();
    const day = 24 * 3_600_000;
    const up = (service: string, value: number) => ({
      ...{ metric: "service.up" as const, labels: { scope: "shop/production", service }, value },
    });
    telemetry.record(now - 2 * day, [up("web", 0), up("mailer", 1)]);
    telemetry.record(now - 2 * day + 10_000, [up("web", 1), up("mailer", 1)]);
    telemetry.record(now - 10_000, [up("web", 1), up("mailer", 0)]);
    const opened = { openedBy: "roadstead", startedAt: now - 60_000, detectedAt: now, impact: "orders fail" };
    const entry = { kind: "probe", text: "It does not answer" } as const;
    const { book } = api.parts.recovery.recovery;
    const scope = { stack: "shop", environment: "production" };
    book.put(openIncident({ ...opened, id: "inc_1", incident: "service", service: "web", scope, entry }));
    book.put(openIncident({ ...opened, id: "inc_2", incident: "security", scope, entry }));
    book.put(openIncident({ ...opened, id: "inc_3", incident: "database", drill: "drill_1", scope, entry }));
    const hidden = { ...scope, stack: "secret" };
    book.put(openIncident({ ...opened, id: "inc_4", incident: "service", scope: hidden, entry }));
    const { json, text } = await api.call("GET", path, { anonymous: true });
    expect(json).toMatchObject({
      stacks: [{ availability: 1, days: [{ share: 0.5 }, { share: 1 }] }],
      incidents: [{ stack: "shop", kind: "service", startedAt: now - 60_000 }],
    });
    expect(text).not.toMatch(/orders|secret|mailer|answer/);
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
