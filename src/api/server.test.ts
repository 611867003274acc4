import { describe, expect, it } from "vitest";
import { PlatformError } from "../lib/platform-error.ts";
import { aStackService, requestFor, version } from "../reconciler/world-support.ts";
import type { DeploymentId } from "../rollout/ids.ts";
import type { Bundle } from "../store/port.ts";
import { ApiWorld, aProblem, base, deployBody } from "./api-support.ts";
import { apiPrefix, type Endpoint } from "./contract/endpoint.ts";
import { errorSchema } from "./contract/models.ts";
import { apiTable } from "./contract/table.ts";

const endpoints = Object.entries(apiTable).flatMap(([group, table]) =>
  Object.entries<Endpoint>(table).map(([name, endpoint]) => [`${group}.${name}`, endpoint] as const),
);
const withRoute = endpoints.filter(([, endpoint]) => endpoint.stream !== "upgrade");
/** Streams without an end, which have tests of their own: `inject` would wait for it. */
const endless = ["pages.events"];

function pathOf(endpoint: Endpoint): string {
  const values: Record<string, string> = { stack: "shop", environment: "production", id: "x", release: "v1" };
  return `${apiPrefix}${endpoint.path.replace(/:(\w+)/g, (_, key: string) => values[key] ?? key)}`;
}

describe("the contract", () => {
  it.each(withRoute.filter(([, endpoint]) => !endpoint.anonymous))(
    "%s answers 401 without and with a wrong token, before it looks at the input",
    async (_, endpoint) => {
      const api = new ApiWorld();
      for (const headers of [{}, { authorization: "Bearer road_wrong" }]) {
        const answer = await api.call(endpoint.method, pathOf(endpoint), { anonymous: true, headers });
        expect(answer.status).toBe(401);
        const { error } = errorSchema.parse(answer.json);
        expect(error.code).toMatch(/^API_TOKEN_(MISSING|INVALID)$/);
        expect(error.requestId).toBe(answer.headers["x-request-id"]);
        expect(answer.headers["www-authenticate"]).toBe("Bearer");
      }
      expect(api.world.store.audit.list(10)).toEqual([]);
    },
  );

  it.each(withRoute.filter(([name]) => !endless.includes(name)))(
    "%s has a route, and its failures have the one form",
    async (_, endpoint) => {
      const answer = await new ApiWorld().call(endpoint.method, pathOf(endpoint));
      if (answer.status < 400) return;
      expect(errorSchema.parse(answer.json).error.message).not.toMatch(/^there is no (GET|POST|DELETE)/);
      expect(answer.status).toBeLessThan(500);
    },
  );
});

describe("bad input", () => {
  it("names every wrong field by its path", async () => {
    const api = new ApiWorld();
    const answer = await api.call("POST", `${base}/scale`, {
      body: { replicas: { web: -1, api: 1.5 }, reason: 7 },
    });
    expect(answer.status).toBe(400);
    const { error } = errorSchema.parse(answer.json);
    expect(error.problems?.map((problem) => problem.path).sort()).toEqual([
      "body.reason",
      "body.replicas.api",
      "body.replicas.web",
    ]);
    expect(error.requestId).toBe(answer.headers["x-request-id"]);
  });

  it("names the line and column of broken JSON and does not repeat its text", async () => {
    const body = '{"bundle": {\n  "secret": hunter2}';
    const answer = await new ApiWorld().call("POST", `${base}/deployments`, { body });
    expect(answer.status).toBe(400);
    expect(errorSchema.parse(answer.json).error.message).toContain("line 2, column 13");
    expect(answer.text).not.toContain("hunter2");
  });

  it.each([
    ["another content type", { "content-type": "text/plain" }, "{}", 400, "API_BODY_INVALID"],
    ["no body", {}, undefined, 400, "API_INPUT_INVALID"],
    ["a body above 32 MiB", {}, `"${"x".repeat(33 * 1024 * 1024)}"`, 413, "API_BODY_TOO_LARGE"],
  ])("refuses %s", async (_, headers, body, status, code) => {
    const answer = await new ApiWorld().call("POST", `${base}/deployments`, {
      headers: headers as Record<string, string>,
      ...(body === undefined ? {} : { body }),
    });
    expect([answer.status, errorSchema.parse(answer.json).error.code]).toEqual([status, code]);
  });

  it.each([
    ["GET", "/api/v1/nothing", 404],
    ["GET", "/", 404],
    ["GET", "/api/v1/deployments/none", 404],
    ["GET", "/api/v1/stacks/..%2f/production/status", 400],
    ["GET", "/api/v1/stacks/%zz/production/status", 404],
    ["GET", "/api/v1/stacks/other/production/status", 404],
    ["GET", `${base}/logs`, 404],
    ["GET", `${base}/releases?limit=0`, 400],
    ["POST", `${base}/rollback`, 404],
    ["POST", `${base}/abort`, 409],
    ["DELETE", "/api/v1/tokens/none", 404],
  ])("%s %s answers %i in the one form", async (method, path, status) => {
    const answer = await new ApiWorld().call(method, path);
    expect(answer.status).toBe(status);
    expect(errorSchema.parse(answer.json).error.requestId).toBe(answer.headers["x-request-id"]);
  });

  it("reads no body of a stranger, nor for a path that does not exist", async () => {
    const body = `"${"x".repeat(33 * 1024 * 1024)}"`;
    const api = new ApiWorld();
    expect((await api.call("POST", `${base}/deployments`, { body, anonymous: true })).status).toBe(401);
    expect((await api.call("POST", "/api/v1/nothing", { body, anonymous: true })).status).toBe(404);
  });

  it("shows nothing of an unexpected failure but its request id, and logs the rest", async () => {
    const api = new ApiWorld({
      resolve: () => {
        throw new Error("password=hunter2");
      },
    });
    const answer = await api.call("POST", "/api/v1/check", { body: { bundle: deployBody()["bundle"] } });
    expect([answer.status, errorSchema.parse(answer.json).error.code]).toEqual([500, "API_INTERNAL"]);
    expect(answer.text).not.toMatch(/hunter2|\.ts/);
    expect(api.world.logged.some((line) => line.includes("POST /api/v1/check"))).toBe(true);
  });

  it("answers 503 with the store's own hint while the database is locked", async () => {
    const api = new ApiWorld();
    api.world.store.scopes.list = () => {
      throw new PlatformError("STORE_LOCKED", "the database is locked", { hint: "wait" });
    };
    expect((await api.call("GET", "/api/v1/health", { anonymous: true })).status).toBe(503);
  });
});

describe("who may call", () => {
  it("answers health to anyone, with headers that let no browser cache, frame or sniff", async () => {
    const answer = await new ApiWorld().call("GET", "/api/v1/health", { anonymous: true });
    expect(answer.json).toEqual({ status: "ok", version: "0.0.0-test", runtime: "memory", edge: "memory" });
    expect(answer.headers).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
  });

  it.each([
    ["evil.example:7700", undefined, 403],
    ["127.0.0.1.evil.example", undefined, 403],
    ["127.0.0.1:7700", "https://evil.example", 403],
    ["127.0.0.1:7700", "null", 403],
    ["127.0.0.1:7700", "http://127.0.0.1:9999", 403],
    ["127.0.0.1:7700", "http://127.0.0.1:7700", 200],
    ["localhost:7700", undefined, 200],
    ["[::1]:7700", undefined, 200],
    ["deploy.example.com", "https://deploy.example.com", 200],
  ])("Host %s with Origin %s answers %i (DNS rebinding)", async (host, origin, status) => {
    const api = new ApiWorld({ allowedHosts: ["deploy.example.com"] });
    const headers = { host, ...(origin === undefined ? {} : { origin }) };
    expect((await api.call("GET", "/api/v1/health", { headers })).status).toBe(status);
  });

  it("limits wrong tokens of an address, but never a right one", async () => {
    const api = new ApiWorld();
    const wrong = () =>
      api.call("GET", "/api/v1/version", { anonymous: true, headers: { authorization: "Bearer road_x" } });
    const statuses: number[] = [];
    for (let n = 0; n < 21; n += 1) statuses.push((await wrong()).status);
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    const limited = await wrong();
    expect([limited.status, limited.headers["retry-after"]]).toEqual([429, "60"]);
    expect((await api.call("GET", "/api/v1/version")).status).toBe(200);
    api.world.clock.advance(60_000);
    expect((await wrong()).status).toBe(401);
  });

  it("makes, lists and revokes tokens, shows a secret once, and keeps the last one", async () => {
    const api = new ApiWorld();
    const made = await api.call("POST", "/api/v1/tokens", { body: { name: "ci" } });
    const { id, secret } = made.json as { id: string; secret: string };
    expect(made.status).toBe(201);
    const asCi = { anonymous: true, headers: { authorization: `Bearer ${secret}` } };
    const listed = await api.call("GET", "/api/v1/tokens", asCi);
    expect(listed.text).not.toContain(secret);
    expect((listed.json as { tokens: { name: string }[] }).tokens.map((t) => t.name).sort()).toEqual([
      "ada",
      "ci",
    ]);
    expect((await api.call("DELETE", `/api/v1/tokens/${id}`)).status).toBe(200);
    expect((await api.call("GET", "/api/v1/tokens", asCi)).status).toBe(401);
    const [last] = api.world.store.tokens.list();
    expect((await api.call("DELETE", `/api/v1/tokens/${last?.id}`)).status).toBe(409);
    expect(JSON.stringify(api.world.store.audit.list(10))).not.toContain(secret);
  });
});

describe("deploying", () => {
  it("accepts a bundle with 202, carries it out, and shows it everywhere without its texts (R-263)", async () => {
    const api = new ApiWorld();
    const body = deployBody(undefined, { label: "1.0", files: { password: "aHVudGVyMg==" } });
    (body["bundle"] as { variables: Record<string, string> }).variables = { PASSWORD: "hunter2" };
    const accepted = await api.call("POST", `${base}/deployments`, { body });
    expect(accepted.status).toBe(202);
    const { deployment } = accepted.json as {
      deployment: { id: DeploymentId; state: string; label: string };
    };
    expect(deployment).toMatchObject({ state: "queued", label: "1.0", requestedBy: "ada" });
    const done = await api.world.finished(deployment);
    expect(done.state).toBe("succeeded");
    const paths = [
      "/api/v1/stacks",
      `${base}/status`,
      `${base}/releases`,
      `${base}/releases/v1`,
      `${base}/releases/1.0`,
      `${base}/deployments`,
      `/api/v1/deployments/${deployment.id}`,
      `/api/v1/deployments/${deployment.id}/events`,
      `${base}/stats`,
      `${base}/logs`,
      "/api/v1/health/all",
      "/api/v1/audit",
      "/api/v1/openapi.json",
    ];
    for (const path of paths) {
      const answer = await api.call("GET", path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.text).not.toMatch(/hunter2|aHVudGVyMg|composeFiles":\[/);
    }
  });

  it("refuses a stack with errors with the whole list, its lines and fixes (plan and deploy)", async () => {
    const api = new ApiWorld();
    api.problems = [aProblem(), aProblem({ severity: "warning", line: 9 })];
    for (const path of ["plan", "deployments"]) {
      const answer = await api.call("POST", `${base}/${path}`, { body: deployBody() });
      expect(answer.status).toBe(422);
      expect(errorSchema.parse(answer.json).error.problems).toEqual(api.problems);
    }
    expect(api.world.store.deployments.list("all", 10)).toEqual([]);
    const checked = await api.call("POST", "/api/v1/check", { body: { bundle: deployBody()["bundle"] } });
    expect([checked.status, checked.json]).toEqual([200, { ok: false, problems: api.problems }]);
  });

  it("hands on every field of a bundle", async () => {
    const api = new ApiWorld();
    const bundle: Required<Bundle> = {
      ...requestFor([aStackService("web")]).bundle,
      variables: { TAG: "1" },
      profiles: ["debug"],
      projectName: "shop",
      envFiles: ["/srv/shop/prod.env"],
    };
    const answer = await api.call("POST", `${base}/deployments`, { body: { bundle } });
    const { deployment } = answer.json as { deployment: { id: DeploymentId } };
    expect(api.world.store.deployments.get(deployment.id)?.request?.bundle).toEqual(bundle);
  });

  it("refuses a bundle that was sent to another stack", async () => {
    const answer = await new ApiWorld().call("POST", "/api/v1/stacks/blog/production/deployments", {
      body: deployBody(),
    });
    expect(answer.status).toBe(422);
    expect(errorSchema.parse(answer.json).error.problems?.[0]?.code).toBe("STACK_NAME_DIFFERS");
  });

  it("plans without changing anything", async () => {
    const api = new ApiWorld();
    const answer = await api.call("POST", `${base}/plan`, { body: deployBody() });
    expect(answer.status).toBe(200);
    const { plan } = answer.json as { plan: { steps: { step: { kind: string } }[] } };
    expect(plan.steps.map(({ step }) => step.kind)).toContain("startReplica");
    expect(api.world.store.deployments.list("all", 10)).toEqual([]);
    expect(api.world.store.audit.list(10)).toEqual([]);
  });

  it("rolls back by version and lists the versions when it does not exist (R-253)", async () => {
    const api = new ApiWorld();
    const web = aStackService("web");
    await api.deploy([web], "1.0");
    await api.deploy([version(web, 2)], "1.1");
    const unknown = await api.call("POST", `${base}/rollback`, { body: { release: "v9" } });
    expect(unknown.status).toBe(404);
    expect(errorSchema.parse(unknown.json).error.hint).toBe("There are: v2 (1.1), v1 (1.0).");
    const accepted = await api.call("POST", `${base}/rollback`, { body: { release: "v1", reason: "slow" } });
    expect(accepted.status).toBe(202);
    await api.world.finished(accepted.json as { id: DeploymentId });
    expect(api.world.serving("web")).toEqual(["web:1"]);
    expect(api.world.store.audit.list(1)[0]).toMatchObject({
      actor: "ada",
      action: "rollback",
      target: "shop/production",
      detail: { reason: "slow" },
    });
  });

  it("writes one audit entry for each change and none for a refused one (R-250)", async () => {
    const api = new ApiWorld();
    await api.deploy();
    const changes: [string, string, unknown, number][] = [
      ["POST", "restart", { services: ["web"], reason: "leak" }, 202],
      ["POST", "restart", { services: ["nope"] }, 404],
      ["POST", "scale", { replicas: { web: 2 } }, 202],
      ["POST", "stop", undefined, 202],
      ["POST", "start", undefined, 202],
      ["POST", "promote", undefined, 409],
    ];
    for (const [method, path, body, status] of changes) {
      const answer = await api.call(method, `${base}/${path}`, body === undefined ? {} : { body });
      expect([path, answer.status]).toEqual([path, status]);
      if (status === 202) await api.world.finished(answer.json as { id: DeploymentId });
    }
    expect((await api.call("DELETE", `${base}?volumes=true`)).status).toBe(202);
    const entries = api.world.store.audit.list(20).reverse();
    expect(entries.map((entry) => entry.action)).toEqual([
      "deploy",
      "restart",
      "scale",
      "stop",
      "start",
      "down",
    ]);
    expect(entries[1]?.detail).toMatchObject({ services: ["web"], reason: "leak" });
    expect(entries[2]?.detail).toMatchObject({ replicas: { web: 2 } });
    expect(entries[5]?.detail).toMatchObject({ volumes: true });
    expect((await api.call("GET", "/api/v1/audit/verify")).json).toEqual({ ok: true });
  });

  it("reports a service that is down in health of all (R-255)", async () => {
    const api = new ApiWorld();
    await api.deploy();
    expect((await api.call("GET", "/api/v1/health/all")).json).toMatchObject({ ok: true });
    api.world.runtime.behave("web", { probe: { reason: "GET /healthz answered 503" } });
    await api.world.rest(60);
    const answer = (await api.call("GET", "/api/v1/health/all")).json;
    expect(answer).toMatchObject({ ok: false, services: [{ service: "web", ok: false, wanted: 1 }] });
  });
});

describe("streams", () => {
  it("replays a finished deployment, resumes after Last-Event-ID, and ends with `end`", async () => {
    const api = new ApiWorld();
    const id = await api.deploy();
    const whole = (await api.call("GET", `/api/v1/deployments/${id}/events`)).text;
    const ids = [...whole.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(api.world.store.deployments.journal(id as DeploymentId, 0).map((e) => e.seq));
    expect(whole.trimEnd().split("\n\n").at(-1)).toMatch(/^event: end\ndata: .*"state":"succeeded"/);
    const resumed = await api.call("GET", `/api/v1/deployments/${id}/events`, {
      headers: { "last-event-id": String(ids.at(-2)) },
    });
    expect([...resumed.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))).toEqual(
      ids.slice(-1),
    );
    const bad = await api.call("GET", `/api/v1/deployments/${id}/events`, {
      headers: { "last-event-id": "x" },
    });
    expect(bad.status).toBe(400);
  });

  it("sends exactly the last lines asked for, as NDJSON (R-251)", async () => {
    const api = new ApiWorld();
    api.world.runtime.behave("web", { lines: Array.from({ length: 150 }, (_, n) => `line ${n}`) });
    await api.deploy();
    const answer = await api.call("GET", `${base}/logs?tail=100&services=web`);
    expect(answer.headers["content-type"]).toBe("application/x-ndjson; charset=utf-8");
    const lines = answer.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { text: string });
    expect(lines.map((line) => line.text)).toEqual(Array.from({ length: 100 }, (_, n) => `line ${n + 50}`));
    expect((await api.call("GET", `${base}/logs?services=nope`)).status).toBe(404);
  });
});
