import { describe, expect, it } from "vitest";
import { saveSourceSettings, sourceSettings } from "../delivery/source-settings.ts";
import { deliveryHeaders, fixtureCommit, recorded, type SigningForge } from "../forge/forge-support.ts";
import { aStackService } from "../reconciler/world-support.ts";
import { ApiWorld } from "./api-support.ts";

type Made = { webhook: { path: string; services: string[] }; secret: string };

/** A control plane with the source `shop`, whose repository has the commit of the recorded bodies. */
async function start(): Promise<ApiWorld> {
  const api = new ApiWorld();
  await api.world.engine.reconciler.start();
  const folder = await api.deliveries.sources.checkout("shop", api.deliveries.commit());
  api.deliveries.sources.put("shop", "main", fixtureCommit, { folder, subject: "Sell tea as well" });
  return api;
}

async function makeHook(api: ApiWorld, kind: string, more: Record<string, unknown> = {}): Promise<Made> {
  const answer = await api.call("POST", "/api/v1/sources/shop/webhooks", { body: { kind, ...more } });
  expect(answer.status).toBe(201);
  return answer.json as Made;
}

function send(api: ApiWorld, path: string, body: Uint8Array, headers: Record<string, string>) {
  return api.call("POST", path, { body: Buffer.from(body).toString("utf8"), headers, anonymous: true });
}

function push(api: ApiWorld, kind: SigningForge, made: Made, options: { id?: string; branch?: string } = {}) {
  const { branch = "main", id = "one" } = options;
  const body = recorded(`${kind}-push`, (text) => text.replace("refs/heads/main", `refs/heads/${branch}`));
  return send(api, made.webhook.path, body, deliveryHeaders(kind, "push", body, { secret: made.secret, id }));
}

const runs = (api: ApiWorld) => api.deliveries.delivery.book.list(10);
const refusals = (api: ApiWorld) =>
  api.world.store.audit.list(50).filter((e) => e.action === "webhook.refuse");

describe("POST /hooks/SOURCE/KIND", () => {
  it.each(["github", "gitea", "forgejo"] as const)(
    "%s: a signed push is a run; a replay, a flipped byte, a foreign branch and no signature are none (R-062, R-078)",
    async (kind) => {
      const api = await start();
      const made = await makeHook(api, kind);
      const first = await push(api, kind, made);
      expect(first).toMatchObject({
        status: 202,
        json: { commit: fixtureCommit, environment: "production" },
      });
      expect(runs(api)).toMatchObject([
        { id: (first.json as { run: string }).run, trigger: "webhook", requestedBy: `webhook ${kind}` },
      ]);

      expect((await push(api, kind, made)).status).toBe(409);
      // The id is not signed, so a new one does not make an old body new.
      expect((await push(api, kind, made, { id: "two" })).status).toBe(409);
      expect((await push(api, kind, made, { id: "three", branch: "dev" })).status).toBe(204);

      const body = recorded(`${kind}-push`);
      const headers = deliveryHeaders(kind, "push", body, { secret: made.secret, id: "four" });
      body[200] = (body[200] ?? 0) ^ 1;
      expect((await send(api, made.webhook.path, body, headers)).status).toBe(401);
      expect((await send(api, made.webhook.path, body, { "content-type": "application/json" })).status).toBe(
        401,
      );
      expect(runs(api)).toHaveLength(1);
      expect(refusals(api).map(({ detail }) => detail["code"])).toEqual([
        "FORGE_SIGNATURE_MISSING",
        "FORGE_SIGNATURE_INVALID",
        "WEBHOOK_REPLAYED",
        "WEBHOOK_REPLAYED",
      ]);
      expect(JSON.stringify(api.world.store.audit.list(50)) + api.world.logged.join()).not.toContain(
        made.secret,
      );
    },
  );

  it("forgets a delivery after a day, and what failed on the way may come again", async () => {
    const api = await start();
    const made = await makeHook(api, "github");
    const body = recorded("github-push", (text) => text.replaceAll(fixtureCommit, "a".repeat(40)));
    const headers = deliveryHeaders("github", "push", body, made);
    const unknown = await send(api, made.webhook.path, body, headers);
    expect(unknown).toMatchObject({ status: 422, json: { error: { code: "WEBHOOK_NO_URL" } } });
    const folder = await api.deliveries.sources.checkout("shop", fixtureCommit);
    api.deliveries.sources.put("shop", "main", "a".repeat(40), { folder });
    expect((await send(api, made.webhook.path, body, headers)).status).toBe(202);
    expect((await send(api, made.webhook.path, body, headers)).status).toBe(409);
    api.world.clock.advance(25 * 3600_000);
    expect((await send(api, made.webhook.path, body, headers)).status).toBe(202);
  });

  it("takes nothing where no webhook was made, and nothing with the secret of another kind or a removed one", async () => {
    const api = await start();
    const made = await makeHook(api, "gitea");
    for (const path of [
      "/hooks/shop/github",
      "/hooks/other/gitea",
      "/hooks/shop/svn",
      "/hooks/..%2f/gitea",
    ]) {
      const body = recorded("gitea-push");
      const answer = await send(api, path, body, deliveryHeaders("gitea", "push", body, made));
      expect([path, answer.status]).toEqual([path, 401]);
    }
    const renewed = await makeHook(api, "gitea");
    expect((await push(api, "gitea", made)).status).toBe(401);
    expect((await push(api, "gitea", renewed)).status).toBe(202);
    expect((await api.call("DELETE", "/api/v1/sources/shop/webhooks/gitea/all")).status).toBe(200);
    expect((await push(api, "gitea", renewed, { id: "two" })).status).toBe(401);
  });

  it("answers a ping, and limits strangers but not the forge", async () => {
    const api = await start();
    const made = await makeHook(api, "github");
    const ping = recorded("github-ping");
    const pinged = await send(api, made.webhook.path, ping, deliveryHeaders("github", "ping", ping, made));
    expect(pinged).toMatchObject({ status: 204, headers: { "x-roadstead-ignored": "ping starts nothing" } });
    const body = recorded("github-push");
    const wrong = deliveryHeaders("github", "push", body, { secret: "guess" });
    const statuses = new Set<number>();
    for (let i = 0; i < 25; i += 1) statuses.add((await send(api, made.webhook.path, body, wrong)).status);
    expect([...statuses]).toEqual([401, 429]);
    expect(refusals(api).length).toBeLessThanOrEqual(20);
    expect((await push(api, "github", made)).status).toBe(202);
  });

  it("refuses a body beyond its limit", async () => {
    const api = await start();
    const made = await makeHook(api, "github");
    const body = Buffer.alloc(9 * 1024 * 1024, 32);
    const answer = await send(api, made.webhook.path, body, deliveryHeaders("github", "push", body, made));
    expect(answer).toMatchObject({ status: 413, json: { error: { code: "API_BODY_TOO_LARGE" } } });
  });

  it("is called under any host name: a signature is no cookie", async () => {
    const api = await start();
    const made = await makeHook(api, "github");
    const body = recorded("github-push");
    const headers = { ...deliveryHeaders("github", "push", body, made), host: "deploy.example.com" };
    expect((await send(api, made.webhook.path, body, headers)).status).toBe(202);
    expect(
      (await api.call("GET", "/api/v1/stacks", { headers: { host: "deploy.example.com" } })).status,
    ).toBe(403);
  });

  it("one per component: the run deploys that service alone, and does not replace a run of another (R-063)", async () => {
    const api = await start();
    const all = [aStackService("api"), aStackService("web")];
    const folder = await api.deliveries.sources.checkout("shop", api.deliveries.commit({}, all));
    api.deliveries.sources.put("shop", "main", fixtureCommit, { folder });
    const [forApi, forWeb] = [
      await makeHook(api, "github", { services: ["api"] }),
      await makeHook(api, "github", { services: ["web"] }),
    ];
    expect(forApi.webhook.path).toBe("/hooks/shop/github/api");
    expect((await push(api, "github", forApi)).status).toBe(202);
    expect((await push(api, "github", forWeb)).status).toBe(202);
    expect(runs(api).map(({ services }) => services)).toEqual([["web"], ["api"]]);
    for (const run of runs(api)) expect((await api.deliveries.over(run)).state).toBe("succeeded");
    const requests = api.world.store.deployments.list({ stack: "shop", environment: "production" }, 9);
    expect(requests.map(({ request }) => request?.services)).toEqual([["web"], ["api"]]);
  });
});

describe("POST /hooks/SOURCE/plain (R-062)", () => {
  it("deploys the head of the branch for its token in a header, as often as it is called", async () => {
    const api = await start();
    const made = await makeHook(api, "plain");
    const bearer = { authorization: `Bearer ${made.secret}` };
    const none = Buffer.alloc(0);
    expect((await send(api, "/hooks/shop/plain", none, {})).status).toBe(401);
    const first = await send(api, "/hooks/shop/plain", none, bearer);
    expect(first).toMatchObject({ status: 202, json: { commit: fixtureCommit } });
    for (const run of runs(api)) await api.deliveries.over(run);
    expect((await send(api, "/hooks/shop/plain", Buffer.from('{"ref":"main"}'), bearer)).status).toBe(202);
    expect((await send(api, "/hooks/shop/plain", Buffer.from('{"ref":"dev"}'), bearer)).status).toBe(204);
    const named = { ...bearer, "idempotency-key": "build-1" };
    expect((await send(api, "/hooks/shop/plain", none, named)).status).toBe(202);
    expect((await send(api, "/hooks/shop/plain", none, named)).status).toBe(409);
  });

  it("takes a token in the address only where that was chosen", async () => {
    const api = await start();
    const closed = await makeHook(api, "plain");
    const refused = await send(api, `/hooks/shop/plain?token=${closed.secret}`, Buffer.alloc(0), {});
    expect(refused).toMatchObject({ status: 401, json: { error: { code: "FORGE_TOKEN_IN_URL" } } });
    expect(JSON.stringify(refusals(api))).not.toContain(closed.secret);
    const open = await makeHook(api, "plain", { urlToken: true });
    expect((await send(api, `/hooks/shop/plain?token=${open.secret}`, Buffer.alloc(0), {})).status).toBe(202);
  });
});

describe("a pushed image (R-150)", () => {
  it("makes auto-update look at once, for the services that run it", async () => {
    const api = await start();
    const asked: unknown[] = [];
    api.updateNow = (scope, services) => {
      asked.push([scope.environment, services]);
      return services;
    };
    const made = await makeHook(api, "github");
    const service = aStackService("api", { compose: { image: "ghcr.io/acme/shop-api:1.4" } });
    await api.deliveries.over(
      api.deliveries.push(api.deliveries.commit({}, [service, aStackService("web")])),
    );
    const push = (body: Buffer, id: string) =>
      send(
        api,
        made.webhook.path,
        body,
        deliveryHeaders("github", "registry_package", body, { ...made, id }),
      );
    const answer = await push(recorded("github-registry-package"), "image");
    expect(answer).toMatchObject({ status: 202, json: { updating: ["shop/production/api"] } });
    expect(asked).toEqual([["production", ["api"]]]);
    const other = recorded("github-registry-package", (text) => text.replaceAll("shop-api", "blog"));
    expect((await push(other, "other")).status).toBe(204);
    expect(asked).toHaveLength(1);
  });

  it("is ignored, with the reason, where updates are not turned on", async () => {
    const api = await start();
    const made = await makeHook(api, "github");
    const service = aStackService("api", { compose: { image: "ghcr.io/acme/shop-api:latest" } });
    await api.deliveries.over(api.deliveries.push(api.deliveries.commit({}, [service])));
    const body = recorded("github-registry-package");
    const headers = deliveryHeaders("github", "registry_package", body, { ...made, id: "image" });
    const answer = await send(api, made.webhook.path, body, headers);
    expect(answer.status).toBe(204);
    expect(answer.headers["x-roadstead-ignored"]).toContain("has updates turned on");
  });
});

describe("a pull request (R-066)", () => {
  const open = async (api: ApiWorld, made: Made, name = "opened") => {
    const body = recorded(`github-pull-request-${name}`);
    return await send(
      api,
      made.webhook.path,
      body,
      deliveryHeaders("github", "pull_request", body, { ...made, id: name }),
    );
  };

  it("is checked and not deployed where previews are off", async () => {
    const api = await start();
    expect((await open(api, await makeHook(api, "github"))).status).toBe(202);
    const [run] = runs(api);
    if (!run) throw new Error("no run");
    expect(await api.deliveries.over(run)).toMatchObject({ state: "succeeded", checksOnly: true });
    expect(api.world.store.deployments.list("all", 9)).toEqual([]);
  });

  it("of a fork is refused with the reason", async () => {
    const api = await start();
    const made = await makeHook(api, "github");
    saveSourceSettings(api.world.store, {
      ...sourceSettings(api.world.store, "shop"),
      previews: { ttlHours: 72, quota: 5, forks: "refused" },
    });
    const answer = await open(api, made, "fork");
    expect(answer).toMatchObject({
      status: 403,
      json: { error: { code: "WEBHOOK_REFUSED", message: expect.stringContaining("comes from a fork") } },
    });
    expect(runs(api)).toEqual([]);
  });
});
