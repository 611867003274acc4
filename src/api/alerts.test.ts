import { describe, expect, it } from "vitest";
import { ApiWorld, base, deployBody } from "./api-support.ts";

const prefix = "/api/v1";

async function failed(): Promise<ApiWorld> {
  const api = new ApiWorld();
  await api.deploy();
  const { world } = api;
  const { deployments } = world.store;
  const [last] = deployments.list({ stack: "shop", environment: "production" }, 1);
  if (!last) throw new Error("nothing deployed");
  const failure = { code: "X", message: "not ready", service: "web" };
  deployments.update(last.id, { state: "failed", failure });
  deployments.append({
    deployment: last.id,
    at: world.clock.now(),
    event: "stateChanged",
    state: "failed",
    message: "",
  });
  api.parts.alerts.alerting.tick();
  return api;
}

describe("alerts over the API", () => {
  it("are listed with value, since and hint, acknowledged with a name, audited (R-181, R-197)", async () => {
    const api = await failed();
    const { json } = await api.call("GET", `${prefix}/alerts`);
    const { alerts, channels } = json as { alerts: { id: string }[]; channels: number };
    expect(channels).toBe(0);
    expect(alerts).toMatchObject([
      {
        rule: "deployment-failed",
        severity: "warning",
        message: "Deployment Failed (deploy: web: not ready)",
      },
    ]);
    const path = `${prefix}/alerts/${alerts[0]?.id}/acknowledge`;
    const answer = await api.call("POST", path, { body: { reason: "on it" } });
    expect(answer.json).toMatchObject({ acknowledged: { by: "ada", reason: "on it" } });
    expect(api.world.store.audit.list(1)).toMatchObject([{ actor: "ada", action: "alert.acknowledge" }]);
    expect((await api.call("POST", `${prefix}/alerts/none/acknowledge`, { body: {} })).status).toBe(404);
  });

  it("are silenced until a time in the future, with a reason, and no longer", async () => {
    const api = await failed();
    const until = api.world.clock.now() + 60_000;
    const silence = (body: unknown) => api.call("POST", `${prefix}/alerts/silences`, { body });
    expect((await silence({ until, reason: "" })).status).toBe(400);
    expect((await silence({ until: 5, reason: "x" })).status).toBe(400);
    const made = await silence({ stack: "shop", until, reason: "load test" });
    expect(made).toMatchObject({ status: 201, json: { by: "ada", stack: "shop" } });
    const { id } = made.json as { id: string };
    expect((await api.call("DELETE", `${prefix}/alerts/silences/${id}`)).status).toBe(200);
    expect((await api.call("DELETE", `${prefix}/alerts/silences/${id}`)).status).toBe(404);
    expect(api.world.store.audit.list(2).map(({ action }) => action)).toEqual([
      "alert.unsilence",
      "alert.silence",
    ]);
  });

  it("go into the history when they are over", async () => {
    const api = await failed();
    await api.call("POST", `${base}/deployments`, { body: deployBody() });
    await api.world.rest(30);
    api.parts.alerts.alerting.tick();
    const { json } = await api.call("GET", `${prefix}/alerts/history`);
    expect(json).toMatchObject({ alerts: [{ rule: "deployment-failed", about: "shop/production" }] });
  });

  it("show every rule with its thresholds (R-190)", async () => {
    const { json } = await new ApiWorld().call("GET", `${prefix}/alerts/rules`);
    const { rules } = json as { rules: { name: string; levels: unknown }[] };
    expect(rules.find(({ name }) => name === "memory")?.levels).toEqual([
      { severity: "warning", threshold: "80%", forSeconds: 300 },
      { severity: "critical", threshold: "95%", forSeconds: 120 },
    ]);
  });
});

describe("channels over the API", () => {
  it("give no credential back, in no answer, no audit entry and no record", async () => {
    const api = new ApiWorld();
    const url = "https://discord.test/api/webhooks/1/very-secret";
    const saved = await api.call("POST", `${prefix}/notify/channels`, {
      body: { name: "ops", kind: "discord", url },
    });
    expect(saved.status).toBe(201);
    const mail = { host: "mail.test", port: 587, from: "a@b.test", to: ["c@d.test"], user: "road" };
    const body = { name: "mail", kind: "email", mail, password: "very-secret" };
    await api.call("POST", `${prefix}/notify/channels`, { body });
    const listed = await api.call("GET", `${prefix}/notify/channels`);
    expect(listed.json).toMatchObject({ channels: [{ name: "mail" }, { shown: "https://discord.test" }] });
    const kept = JSON.stringify([
      saved.json,
      listed.json,
      api.world.store.audit.list(10),
      api.world.store.records.list("notify-channels"),
    ]);
    expect(kept).not.toContain("very-secret");
  });

  it.each([
    [{ name: "x", kind: "slack" }, 422],
    [{ name: "x", kind: "slack", url: "javascript:alert(1)" }, 422],
    [{ name: "x", kind: "email" }, 422],
    [{ name: "x", kind: "memory" }, 400],
    [{ name: "../x", kind: "slack", url: "https://x.test" }, 400],
    [
      {
        name: "x",
        kind: "email",
        mail: { host: "h", port: 25, from: "a@b.test\r\nBcc: e@f.test", to: ["c@d.test"] },
      },
      400,
    ],
  ])("refuse %j with %i", async (body, status) => {
    expect((await new ApiWorld().call("POST", `${prefix}/notify/channels`, { body })).status).toBe(status);
  });

  it("say in a test what is wrong, and that one does not exist", async () => {
    const api = new ApiWorld();
    expect((await api.call("POST", `${prefix}/notify/channels/none/test`)).status).toBe(404);
    expect((await api.call("DELETE", `${prefix}/notify/channels/none`)).status).toBe(404);
  });

  it("of contacts must exist; gaps of the week are told (R-211, R-295)", async () => {
    const api = new ApiWorld();
    const hours = [{ days: [1, 2, 3, 4, 5], from: 540, to: 1020 }];
    const body = { contacts: [{ name: "Ada", role: "DevOps lead", channel: "ops", hours }] };
    expect((await api.call("POST", `${prefix}/notify/on-call`, { body })).status).toBe(422);
    await api.call("POST", `${prefix}/notify/channels`, {
      body: { name: "ops", kind: "slack", url: "https://s.test/x" },
    });
    const { json } = await api.call("POST", `${prefix}/notify/on-call`, { body });
    const { gaps } = json as { gaps: { role: string; covered: number; uncovered: number }[] };
    expect(gaps.find(({ role }) => role === "DevOps lead")).toEqual({
      role: "DevOps lead",
      covered: 40,
      uncovered: 128,
    });
    const wrong = { contacts: [{ ...body.contacts[0], timeZone: "Mars/Olympus" }] };
    expect((await api.call("POST", `${prefix}/notify/on-call`, { body: wrong })).status).toBe(422);
  });
});
