import { afterEach, describe, expect, it } from "vitest";
import { putFreeze, removeFreeze } from "../delivery/freeze.ts";
import { ApiWorld, base, deployBody } from "./api-support.ts";
import { createToken } from "./auth/token.ts";

let open: ApiWorld | undefined;
afterEach(async () => {
  await open?.server.close();
  open = undefined;
});

async function start(pipeline?: unknown): Promise<ApiWorld> {
  open = new ApiWorld();
  open.fileSettings = pipeline && { pipeline };
  await open.world.engine.reconciler.start();
  return open;
}

const deploy = (w: ApiWorld, more: Record<string, unknown> = {}) =>
  w.call("POST", `${base}/deployments`, { body: deployBody(undefined, more) });
const errorOf = ({ json }: { json: unknown }) => (json as { error: { code: string; message: string } }).error;

describe("a deployment without a run (R-071, R-156)", () => {
  it.each([
    [{ approval: {} }, "production waits for approval"],
    [{ approval: { approvers: ["grace"], fourEyes: true } }, "by grace, not by who brought the change"],
    [{ promote: ["staging", "production"] }, "production comes after staging"],
    [{ scan: { required: true } }, "production takes only what was scanned"],
  ])("is refused where the environment asks for %j, and nothing is deployed", async (pipeline, why) => {
    const w = await start(pipeline);
    const answer = await deploy(w);
    expect(answer.status).toBe(409);
    expect(errorOf(answer)).toMatchObject({ code: "DELIVERY_GATED", message: expect.stringContaining(why) });
    expect(w.world.store.deployments.list("all", 10)).toEqual([]);
  });

  it("is refused while the environment is frozen, and passes afterwards", async () => {
    const w = await start();
    const freeze = { id: "freeze_1", environment: "production", reason: "Black Friday", by: "ada", at: 0 };
    putFreeze(w.world.store, freeze);
    expect(errorOf(await deploy(w)).message).toContain("production is closed (frozen: Black Friday)");
    removeFreeze(w.world.store, "freeze_1");
    expect((await deploy(w)).status).toBe(202);
  });

  it("goes on with an override, whose reason is in the audit trail beside what it overrode", async () => {
    const w = await start({ approval: {} });
    expect((await deploy(w, { override: "" })).status, "without a reason").toBe(400);
    expect((await deploy(w, { override: "the shop is down" })).status).toBe(202);
    const [deployed, overridden] = w.world.store.audit.list(2);
    expect(deployed).toMatchObject({ action: "deploy", actor: "ada" });
    expect(overridden).toMatchObject({
      action: "deploy.override",
      actor: "ada",
      target: "shop/production",
      detail: { reason: "the shop is down", against: ["production waits for approval"] },
    });
  });

  it("is overridden by approvers only, where there are any", async () => {
    const w = await start({ approval: { approvers: ["grace"] } });
    const answer = await deploy(w, { override: "please" });
    expect(answer.status).toBe(403);
    expect(errorOf(answer)).toMatchObject({ code: "DELIVERY_APPROVAL_REFUSED" });
    expect(w.world.store.audit.list(5)).toEqual([]);
  });

  it("is overridden only by who may approve: a developer may not", async () => {
    const w = await start({ approval: {} });
    const grants = [{ role: "developer" as const }];
    const { secret } = createToken("dev", w.world.parts(), { grants });
    const body = deployBody(undefined, { override: "I am in a hurry" });
    const headers = { authorization: `Bearer ${secret}` };
    const answer = await w.call("POST", `${base}/deployments`, { body, headers });
    expect(answer.status).toBe(403);
    expect(errorOf(answer)).toMatchObject({ code: "API_FORBIDDEN" });
    expect(w.world.store.deployments.list("all", 10)).toEqual([]);
  });

  it("needs nothing in environments that ask for nothing", async () => {
    const w = await start({ approval: { environments: ["other"] } });
    expect((await deploy(w)).status).toBe(202);
  });
});
