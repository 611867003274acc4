import { beforeAll, describe, expect, it } from "vitest";
import { type Grant, type Permission, roleHas, roles } from "../policy/permissions.ts";
import { ApiWorld } from "./api-support.ts";
import { createToken } from "./auth/token.ts";
import { apiPrefix, type Endpoint, subjectOf } from "./contract/endpoint.ts";
import { apiTable } from "./contract/table.ts";
import { collectRouteRules } from "./route-access.ts";

/**
 * Every way into the server, each tried as the wrong person (R-224, R-249). A route that is not tried here fails: those
 * of the contract are found in its table, the others are listed by hand with the test that tries them.
 */
const rawRoutes: Readonly<Record<string, string>> = {
  "GET /git/:name/*": "git clients, below",
  "POST /git/:name/*": "git clients, below",
  "POST /git-hook": "a push's own hook, below",
  "POST /hooks/:source/:kind": "webhooks, below",
  "POST /hooks/:source/:kind/:name": "webhooks, below",
  "GET /metrics": "src/api/telemetry.test.ts",
  "GET /sign-in/:name": "src/api/sign-in.real.test.ts",
  "GET /sign-in/:name/callback": "src/api/sign-in.real.test.ts",
  "GET /": "pages, below",
  "HEAD /": "pages, below",
  "GET /*": "pages, below",
  "HEAD /*": "pages, below",
};
/** Whoever calls these is nobody yet, or asks whether the server lives. */
const anonymous = [
  "GET /api/v1/health",
  "GET /api/v1/setup",
  "POST /api/v1/setup",
  "POST /api/v1/session",
  "POST /api/v1/invitations/accept",
  "GET /api/v1/sign-in-providers",
  "GET /api/v1/public/status",
];
const sha = "1".repeat(40);

const endpoints = Object.entries(apiTable).flatMap(([group, table]) =>
  Object.entries<Endpoint>(table).map(([name, endpoint]) => [`${group}.${name}`, endpoint] as const),
);
const guarded = endpoints.filter(([, endpoint]) => !endpoint.anonymous);
const withRoute = guarded.filter(([, endpoint]) => endpoint.stream !== "upgrade");

let api: ApiWorld;
let ids: Record<string, string>;
const tokens = new Map<string, string>();

function tokenOf(grants: readonly Grant[], more: { expiresAt?: number } = {}): string {
  const key = JSON.stringify([grants, more]);
  const made =
    tokens.get(key) ?? createToken(key.slice(0, 50), api.world.parts(), { grants, ...more }).secret;
  tokens.set(key, made);
  return made;
}

function pathOf(endpoint: Endpoint): string {
  const id = ids[subjectOf(endpoint)] ?? "x";
  const values: Record<string, string> = { stack: "shop", environment: "production", source: "shop", id };
  return `${apiPrefix}${endpoint.path.replace(/:(\w+)/g, (_, key: string) => values[key] ?? key)}`;
}

/** The body is wrong on purpose: who may not call is refused before it is read. */
async function call(endpoint: Endpoint, token: string | undefined) {
  return await api.call(endpoint.method, pathOf(endpoint), {
    anonymous: true,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(endpoint.method === "POST" ? { body: { nonsense: 1 } } : {}),
  });
}

beforeAll(async () => {
  api = new ApiWorld({ webFolder: "/nowhere" });
  const deployment = await api.deploy();
  const scope = { stack: "shop", environment: "production" };
  await api.parts.sources.ensure("shop", AbortSignal.timeout(1000));
  const commit = { commit: sha, subject: "s", author: "a", ref: "main" };
  const run = api.parts.delivery.accept(
    { source: "shop", scope, ...commit, trigger: "push" },
    { name: "ada", reason: "" },
  );
  const freeze = await api.call("POST", `${apiPrefix}/freezes`, { body: { ...scope, reason: "fair" } });
  ids = { deployment, run: run.id, freeze: (freeze.json as { id: string }).id };
});

describe("every route of the server", () => {
  it("is one of the contract's, or one that this file tries by name", () => {
    const known = new Set(endpoints.map(([, { method, path }]) => `${method} ${apiPrefix}${path}`));
    const others = api.server.rules
      .map(({ method, url }) => `${method} ${url}`)
      .filter((route) => !known.has(route));
    expect(others.sort()).toEqual(Object.keys(rawRoutes).sort());
  });

  it("has a rule: a permission, or a stated reason to be open", () => {
    for (const [name, endpoint] of guarded) expect([name, endpoint.needs]).not.toEqual([name, undefined]);
    const open = endpoints.filter(([, endpoint]) => endpoint.anonymous);
    expect(open.map(([, { method, path }]) => `${method} ${apiPrefix}${path}`).sort()).toEqual(
      [...anonymous].sort(),
    );
    for (const [, endpoint] of open) expect(endpoint.needs).toBeUndefined();
  });

  it("without a rule keeps the server from starting", () => {
    const { app } = new ApiWorld().server;
    collectRouteRules(app);
    expect(() => app.get("/forgotten", async () => "x")).toThrow("has no rule");
  });
});

describe.each(withRoute)(
  "%s",
  (_, endpoint) => {
    const needs = endpoint.needs as Permission;

    it("refuses who is not signed in, whose session is over, and whose token has expired", async () => {
      // Past the window in which wrong tokens are counted.
      api.world.clock.advance(60_001);
      expect((await call(endpoint, undefined)).status).toBe(401);
      expect((await call(endpoint, "road_wrong")).status).toBe(401);
      expect((await call(endpoint, tokenOf([{ role: "admin" }], { expiresAt: 1 }))).status).toBe(401);
      const cookie = `roadstead_session=${"x".repeat(43)}`;
      const answer = await api.call(endpoint.method, pathOf(endpoint), {
        anonymous: true,
        headers: { cookie },
      });
      expect(answer.status).toBe(401);
    });

    it("refuses every role that is too small", async () => {
      const small: (readonly Grant[])[] = roles
        .filter((role) => !roleHas(role, needs))
        .map((role) => [{ role }]);
      for (const grants of needs === "self" ? [] : [...small, []])
        expect([403, 404]).toContain((await call(endpoint, tokenOf(grants))).status);
    });

    it("gives another project's administrator nothing of this one", async () => {
      // Streams of many things never end here; pages.test.ts follows one.
      if (endpoint.stream !== undefined && subjectOf(endpoint) === "anywhere") return;
      const answer = await call(endpoint, tokenOf([{ role: "admin", stack: "other" }]));
      const subject = subjectOf(endpoint);
      if (subject === "platform" && needs !== "self") expect(answer.status).toBe(403);
      else if (subject !== "anywhere" && needs !== "self") expect(answer.status).toBe(404);
      expect(answer.text).not.toContain("shop");
    });

    it("refuses the right role in another environment", async () => {
      if (needs === "self" || subjectOf(endpoint) === "anywhere") return;
      const answer = await call(
        endpoint,
        tokenOf([{ role: "admin", stack: "shop", environment: "staging" }]),
      );
      expect([403, 404]).toContain(answer.status);
    });

    it("lets the smallest sufficient role through", async () => {
      if (endpoint.stream !== undefined || needs === "self") return;
      const role = roles.find((one) => roleHas(one, needs)) ?? "admin";
      const { status } = await call(endpoint, tokenOf([{ role }]));
      expect([401, 403]).not.toContain(status);
    });
  },
  20_000,
);

describe("git clients", () => {
  const upload = "/git/shop.git/info/refs?service=git-upload-pack";
  const receive = "/git/shop.git/info/refs?service=git-receive-pack";
  const get = async (path: string, token?: string) =>
    await api.call("GET", path, {
      anonymous: true,
      headers:
        token === undefined ? {} : { authorization: `Basic ${Buffer.from(`x:${token}`).toString("base64")}` },
    });

  it("read and push only where they may", async () => {
    for (const path of [upload, receive]) {
      expect((await get(path)).status).toBe(401);
      expect((await get(path, tokenOf([{ role: "admin", stack: "other" }]))).status).toBe(404);
      expect((await get(path, tokenOf([]))).status).toBe(404);
    }
    const viewer = tokenOf([{ role: "viewer", stack: "shop" }]);
    expect((await get(upload, viewer)).text).toBe("");
    expect((await get(receive, viewer)).status).toBe(403);
  });

  it.each([
    ["production's branch by who deploys to staging only", "refs/heads/main", "staging", "", 403],
    ["another branch by them", "refs/heads/topic", "staging", "", 404],
    ["production's branch by who may", "refs/heads/main", "production", "", 404],
    ["packed so that its refs can't be read, by them", "refs/heads/topic", "staging", "gzip", 403],
  ])("push %s", async (_, ref, environment, encoding, status) => {
    const token = tokenOf([{ role: "developer", stack: "shop", environment }]);
    const command = `${sha} ${"2".repeat(40)} ${ref}\0report-status\n`;
    const line = `${(command.length + 4).toString(16).padStart(4, "0")}${command}`;
    const answer = await api.server.app.inject({
      method: "POST",
      url: "/git/shop.git/git-receive-pack",
      headers: {
        host: "localhost",
        authorization: `Basic ${Buffer.from(`x:${token}`).toString("base64")}`,
        "content-type": "application/x-git-receive-pack-request",
        ...(encoding === "" ? {} : { "content-encoding": encoding }),
      },
      payload: `${line}0000PACK…`,
    });
    // 404 is the memory source's own answer: the push was let through to it.
    expect([answer.statusCode, status === 403 || answer.body === ""]).toEqual([status, true]);
  });

  it("of a push's hook are believed by their ticket only", async () => {
    for (const headers of [{}, { "x-roadstead-ticket": "guess" }]) {
      const answer = await api.call("POST", "/git-hook", { anonymous: true, headers, body: "{}" });
      expect(answer.status).toBe(401);
    }
  });
});

describe("webhooks", () => {
  it.each(["/hooks/shop/github", "/hooks/shop/github/web", "/hooks/other/plain"])(
    "%s refuses who can't sign, with a session or an API token too",
    async (path) => {
      for (const token of [undefined, tokenOf([{ role: "admin" }])]) {
        const headers: Record<string, string> =
          token === undefined ? {} : { authorization: `Bearer ${token}` };
        expect((await api.call("POST", path, { anonymous: true, headers, body: "{}" })).status).toBe(401);
      }
    },
  );
});

describe("pages", () => {
  it("show nothing of anybody, and no path of theirs reaches around the API", async () => {
    for (const path of [
      "/",
      "/stacks/shop",
      "/api/v1/stacks",
      "/git/shop.git/HEAD",
      "/metrics",
      "/../token",
    ]) {
      const answer = await api.call("GET", path, { anonymous: true, headers: { accept: "text/html" } });
      expect(answer.text).not.toMatch(/shop\/production|road_/);
      if (/^\/(api|git|metrics)/.test(path)) expect(answer.status).not.toBe(200);
    }
  });
});
