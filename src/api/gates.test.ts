import { afterEach, describe, expect, it } from "vitest";
import { aStackService } from "../reconciler/world-support.ts";
import { ApiWorld, base } from "./api-support.ts";

const api = "/api/v1";
let open: ApiWorld | undefined;
afterEach(async () => {
  await open?.server.close();
  open = undefined;
});

async function start(): Promise<ApiWorld> {
  open = new ApiWorld();
  await open.world.engine.reconciler.start();
  return open;
}

describe("gates over the API", () => {
  it("puts a freeze on, lists it and takes it off, each in the audit trail (R-156)", async () => {
    const w = await start();
    const made = await w.call("POST", `${api}/freezes`, {
      body: { environment: "production", reason: "fair" },
    });
    expect(made).toMatchObject({
      status: 201,
      json: { environment: "production", by: "ada", reason: "fair" },
    });
    const { id } = made.json as { id: string };
    expect((await w.call("GET", `${api}/freezes`)).json).toMatchObject({ freezes: [{ id }] });
    expect((await w.call("DELETE", `${api}/freezes/${id}`)).status).toBe(200);
    expect((await w.call("GET", `${api}/freezes`)).json).toEqual({ freezes: [] });
    expect((await w.call("DELETE", `${api}/freezes/${id}`)).status).toBe(404);
    const actions = w.world.store.audit.list(2).map(({ action }) => action);
    expect(actions).toEqual(["freeze.off", "freeze.on"]);
  });

  it("refuses a freeze without a reason", async () => {
    const w = await start();
    expect((await w.call("POST", `${api}/freezes`, { body: { reason: "" } })).status).toBe(400);
  });

  it("asks the smoke checks of what serves, and names the line that is wrong (R-070)", async () => {
    const w = await start();
    const smoke = [
      { method: "GET", path: "/api/health", status: 200 },
      { method: "POST", path: "/api/chat", status: 200, contains: "hello" },
    ];
    await w.world.deploy([aStackService("web")]);
    w.world.smokeAnswers.set("/api/chat", { status: 200, body: "hello" });
    await w.world.deploy([aStackService("web", { smoke })]);
    expect((await w.call("POST", `${base}/smoke`)).json).toMatchObject({
      release: 2,
      ok: true,
      checks: [{ request: "GET http://web.test/api/health", status: 200 }, { ok: true }],
    });
    w.world.smokeAnswers.set("/api/chat", { status: 500, body: "" });
    expect((await w.call("POST", `${base}/smoke`)).json).toMatchObject({
      ok: false,
      checks: [
        { ok: true },
        { ok: false, status: 500, expected: 200, message: "answered 500, expected 200" },
      ],
    });
  });

  it("has no scan of a stack that no run has brought, and no timeline of an unknown run", async () => {
    const w = await start();
    expect((await w.call("GET", `${base}/scan`)).status).toBe(404);
    expect((await w.call("GET", `${api}/runs/run_9/timeline`)).status).toBe(404);
    expect((await w.call("POST", `${api}/runs/run_9/override`, { body: { reason: "x" } })).status).toBe(404);
  });
});
