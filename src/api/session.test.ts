import { describe, expect, it } from "vitest";
import { absoluteMs, idleMs } from "../access/session-book.ts";
import { totpAt } from "../access/totp.ts";
import type { Grant } from "../policy/permissions.ts";
import { type Answer, ApiWorld, base } from "./api-support.ts";
import { createServer } from "./server.ts";

const v1 = "/api/v1";
const password = "correct horse battery";
const owner = { email: "Ada@Example.com", name: "Ada", password };
const own = { origin: "http://127.0.0.1:7700", "x-roadstead-request": "1" };

/** A browser: keeps its cookie, marks its changes. */
class Browser {
  readonly api: ApiWorld;
  cookie = "";

  constructor(api: ApiWorld) {
    this.api = api;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = own,
  ): Promise<Answer> {
    const answer = await this.api.call(method, `${v1}${path}`, {
      anonymous: true,
      headers: { ...headers, ...(this.cookie === "" ? {} : { cookie: this.cookie }) },
      ...(body === undefined ? {} : { body }),
    });
    const set = answer.headers["set-cookie"];
    if (typeof set === "string") this.cookie = set.split(";")[0]?.replace(/^[^=]*=$/, "") ?? "";
    return answer;
  }
}

async function setUp(): Promise<{ api: ApiWorld; ada: Browser }> {
  const api = new ApiWorld();
  const ada = new Browser(api);
  const code = api.parts.access.newSetupCode() ?? "";
  expect((await ada.call("POST", "/setup", { ...owner, code })).status).toBe(201);
  return { api, ada };
}

async function invited(ada: Browser, email: string, grants: readonly Grant[]): Promise<Browser> {
  const made = await ada.call("POST", "/users", { email, grants });
  const { code } = made.json as { code: string };
  const browser = new Browser(ada.api);
  const taken = await browser.call("POST", "/invitations/accept", { code, password });
  expect(taken.status).toBe(200);
  return browser;
}

function auditOf(api: ApiWorld): string {
  return JSON.stringify(api.world.store.audit.list(1000));
}

describe("the first start", () => {
  it("makes one owner with the printed code, signs them in, and never again", async () => {
    let gone = 0;
    const api = new ApiWorld({ onSetUp: () => (gone += 1) });
    const browser = new Browser(api);
    const code = api.parts.access.newSetupCode() ?? "";
    expect(code).toMatch(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/);
    expect((await browser.call("GET", "/setup")).json).toEqual({ needed: true });
    const wrong = await browser.call("POST", "/setup", { ...owner, code: "AAAA-AAAA" });
    expect([wrong.status, gone]).toEqual([401, 0]);
    const weak = await browser.call("POST", "/setup", { ...owner, code, password: "short" });
    expect(weak.status).toBe(422);
    const made = await browser.call("POST", "/setup", { ...owner, code: code.toLowerCase() });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      user: { email: "ada@example.com", roles: [{ role: "admin" }] },
      permissions: ["read", "develop", "approve", "operate", "administer"],
    });
    expect([gone, (await browser.call("GET", "/setup")).json]).toEqual([1, { needed: false }]);
    expect((await browser.call("GET", "/session")).json).toMatchObject({ user: { name: "Ada" } });
    expect((await browser.call("POST", "/setup", { ...owner, code })).status).toBe(409);
    expect(api.parts.access.newSetupCode()).toBeUndefined();
    const shown = auditOf(api);
    for (const secret of [password, code, browser.cookie.split("=")[1] ?? "?"])
      expect(shown).not.toContain(secret);
  });

  it("limits guesses of the code", async () => {
    const api = new ApiWorld();
    api.parts.access.newSetupCode();
    const browser = new Browser(api);
    const wrong = { ...owner, code: "AAAA" };
    for (let i = 0; i < 10; i += 1) expect((await browser.call("POST", "/setup", wrong)).status).toBe(401);
    const limited = await browser.call("POST", "/setup", wrong);
    expect(limited.status).toBe(429);
    expect(Number(limited.headers["retry-after"])).toBeGreaterThan(60);
  });
});

describe("signing in (R-224)", () => {
  it("gives a cookie that no script reads and no other site sends; over TLS it stays on TLS", async () => {
    const { api } = await setUp();
    const browser = new Browser(api);
    const wish = { email: owner.email, password };
    const plain = await browser.call("POST", "/session", wish);
    expect(plain.headers["set-cookie"]).toMatch(
      /^roadstead_session=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=1209600; HttpOnly; SameSite=Strict$/,
    );
    const tls = await browser.call("POST", "/session", wish, { ...own, "x-forwarded-proto": "https" });
    expect(tls.headers["set-cookie"]).toMatch(/; Secure$/);
  });

  it("answers the same for an unknown address and a wrong password, and ten wrong ones with 429", async () => {
    const { api } = await setUp();
    const browser = new Browser(api);
    const known = await browser.call("POST", "/session", { email: owner.email, password: "wrong" });
    const unknown = await browser.call("POST", "/session", { email: "eve@example.com", password: "wrong" });
    expect([known.status, unknown.status]).toEqual([401, 401]);
    const text = (answer: Answer) => answer.text.replace(/req_\w+/, "");
    expect(text(known)).toBe(text(unknown));
    for (let i = 0; i < 9; i += 1)
      expect((await browser.call("POST", "/session", { email: owner.email, password: "wrong" })).status).toBe(
        401,
      );
    const limited = await browser.call("POST", "/session", { email: owner.email, password });
    expect(limited.status).toBe(429);
    expect(Number(limited.headers["retry-after"])).toBeGreaterThan(60);
    api.world.clock.advance(15 * 60_000 + 1);
    expect((await browser.call("POST", "/session", { email: owner.email, password })).status).toBe(200);
  });

  it("outlives a restart, ends when idle for a day, and after two weeks in any case", async () => {
    const { api, ada } = await setUp();
    const who = async (cookie: string) => {
      const fresh = createServer(api.parts);
      const answer = await fresh.app.inject({ url: `${v1}/session`, headers: { host: "localhost", cookie } });
      await fresh.close();
      return answer.statusCode;
    };
    expect(await who(ada.cookie)).toBe(200);
    for (let passed = 0; passed + idleMs / 2 < absoluteMs; passed += idleMs / 2) {
      expect(await who(ada.cookie)).toBe(200);
      api.world.clock.advance(idleMs / 2);
    }
    api.world.clock.advance(idleMs / 2);
    expect(await who(ada.cookie)).toBe(401);
    await ada.call("POST", "/session", { email: owner.email, password });
    api.world.clock.advance(idleMs);
    expect(await who(ada.cookie)).toBe(401);
  });

  it("out ends the session at once, everywhere when asked, and keeps no session id in the store", async () => {
    const { api, ada } = await setUp();
    const phone = new Browser(api);
    api.world.clock.advance(1);
    await phone.call("POST", "/session", { email: owner.email, password });
    const id = ada.cookie.split("=")[1] ?? "?";
    expect(JSON.stringify(api.world.store.records.list("sessions"))).not.toContain(id);
    expect((await ada.call("GET", "/sessions")).json).toMatchObject({
      sessions: [{ current: true }, { current: false }],
    });
    const stolen = phone.cookie;
    expect((await phone.call("DELETE", "/session")).status).toBe(200);
    phone.cookie = stolen;
    expect((await phone.call("GET", "/session")).status).toBe(401);
    await phone.call("POST", "/session", { email: owner.email, password });
    expect((await ada.call("DELETE", "/sessions")).json).toEqual({ ended: 2 });
    expect((await phone.call("GET", "/session")).status).toBe(401);
  });
});

describe("over the network (R-224)", () => {
  const from = async (
    api: ApiWorld,
    remoteAddress: string,
    headers: Record<string, string>,
    body?: unknown,
  ) =>
    await api.server.app.inject({
      method: body === undefined ? "GET" : "POST",
      url: `${v1}/session`,
      remoteAddress,
      headers: { host: "192.0.2.1", ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    });

  it("signs nobody in without TLS, takes no cookie, and believes no stranger about TLS", async () => {
    const { api, ada } = await setUp();
    const wish = { email: owner.email, password };
    for (const headers of [{}, { "x-forwarded-proto": "https" }, { "x-forwarded-for": "127.0.0.1" }]) {
      expect((await from(api, "192.0.2.7", headers as Record<string, string>, wish)).statusCode).toBe(403);
      const withCookie = { ...headers, cookie: ada.cookie } as Record<string, string>;
      const refused = await from(api, "192.0.2.7", withCookie);
      expect([refused.statusCode, refused.json()]).toMatchObject([
        403,
        { error: { code: "API_TLS_NEEDED" } },
      ]);
    }
  });

  it("counts who comes through this machine's TLS proxy by their own address", async () => {
    const { api } = await setUp();
    const through = (address: string) => ({ "x-forwarded-proto": "https", "x-forwarded-for": address });
    const wrong = { email: owner.email, password: "wrong" };
    for (let i = 0; i < 10; i += 1)
      expect((await from(api, "127.0.0.1", through("192.0.2.7"), wrong)).statusCode).toBe(401);
    expect((await from(api, "127.0.0.1", through("192.0.2.7"), wrong)).statusCode).toBe(429);
    const right = await from(api, "127.0.0.1", through("192.0.2.8"), { email: owner.email, password });
    expect(right.statusCode).toBe(200);
    expect(right.headers["set-cookie"]).toContain("; Secure");
    expect(api.world.store.audit.list(1)).toMatchObject([{ detail: { from: "192.0.2.8" } }]);
  });
});

describe("changes with a cookie", () => {
  it.each([
    ["no mark", { origin: own.origin }, 403],
    ["no origin", { "x-roadstead-request": "1" }, 403],
    ["another site's origin", { ...own, origin: "https://evil.example" }, 403],
    ["another port's origin", { ...own, origin: "http://127.0.0.1:8080" }, 403],
    ["the page's own", own, 200],
  ])("with %s answer %i", async (_, headers, status) => {
    const { api, ada } = await setUp();
    await api.deploy();
    const path = base.slice(v1.length);
    const answer = await ada.call("POST", `${path}/updates/check`, {}, headers as Record<string, string>);
    expect(answer.status === 202 ? 200 : answer.status).toBe(status);
    expect((await ada.call("GET", `${path}/status`, undefined, {})).status).toBe(200);
  });
});

describe("people", () => {
  it("come by a code that counts once and for three days, and do what their grants say", async () => {
    const { api, ada } = await setUp();
    await api.deploy();
    const made = await ada.call("POST", "/users", {
      email: "bo@example.com",
      grants: [{ role: "viewer", stack: "shop" }],
    });
    const { code, user } = made.json as { code: string; user: { id: string } };
    expect(auditOf(api)).not.toContain(code);
    const bo = new Browser(api);
    expect((await bo.call("POST", "/invitations/accept", { code, password: "bo" })).status).toBe(422);
    expect((await bo.call("POST", "/invitations/accept", { code, password })).status).toBe(200);
    expect((await new Browser(api).call("POST", "/invitations/accept", { code, password })).status).toBe(401);
    const path = base.slice(v1.length);
    expect((await bo.call("GET", `${path}/status`)).status).toBe(200);
    expect((await bo.call("POST", `${path}/restart`, {})).status).toBe(403);
    expect((await bo.call("GET", "/users")).status).toBe(403);

    const grants = [{ role: "operator", stack: "shop" }];
    await ada.call("POST", `/users/${user.id}`, { grants, reason: "on call" });
    expect((await bo.call("POST", `${path}/restart`, {})).status).toBe(202);
    expect(api.world.store.audit.list(2)[1]).toMatchObject({
      actor: "ada@example.com",
      action: "user.change",
      target: "bo@example.com",
      detail: {
        before: { grants: [{ role: "viewer", stack: "shop" }] },
        after: { grants },
        reason: "on call",
        from: "127.0.0.1",
      },
    });
    await ada.call("POST", `/users/${user.id}`, { disabled: true });
    expect((await bo.call("GET", "/session")).status).toBe(401);
    expect((await bo.call("POST", "/session", { email: "bo@example.com", password })).status).toBe(401);

    const late = await ada.call("POST", "/users", { email: "cy@example.com", grants: [] });
    api.world.clock.advance(72 * 60 * 60_000);
    const cy = { code: (late.json as { code: string }).code, password };
    expect((await new Browser(api).call("POST", "/invitations/accept", cy)).status).toBe(401);
  });

  it("can't take the last administrator away", async () => {
    const { ada } = await setUp();
    const [user] = ((await ada.call("GET", "/users")).json as { users: { id: string }[] }).users;
    expect((await ada.call("POST", `/users/${user?.id}`, { disabled: true })).status).toBe(409);
    const grants = [{ role: "admin", stack: "shop" }];
    expect((await ada.call("POST", `/users/${user?.id}`, { grants })).status).toBe(409);
  });

  it("change their password with the present one; other sessions end, this one stays", async () => {
    const { api, ada } = await setUp();
    const phone = new Browser(api);
    await phone.call("POST", "/session", { email: owner.email, password });
    const newPassword = "another horse entirely";
    const wrong = { password: "wrong", newPassword };
    expect((await ada.call("POST", "/session/password", wrong)).status).toBe(401);
    expect((await ada.call("POST", "/session/password", { password, newPassword })).status).toBe(200);
    expect((await ada.call("GET", "/session")).status).toBe(200);
    expect((await phone.call("GET", "/session")).status).toBe(401);
    expect((await phone.call("POST", "/session", { email: owner.email, password })).status).toBe(401);
    const again = { email: owner.email, password: newPassword };
    expect((await phone.call("POST", "/session", again)).status).toBe(200);
  });

  it("use an app's codes once each, or a recovery code once", async () => {
    const { api, ada } = await setUp();
    const begun = await ada.call("POST", "/session/second-factor", { password });
    const { secret, uri } = begun.json as { secret: string; uri: string };
    expect(uri).toBe(`otpauth://totp/Roadstead%3Aada%40example.com?secret=${secret}&issuer=Roadstead`);
    const codeNow = () => totpAt(decoded(secret), Math.floor(api.world.clock.now() / 30_000));
    expect((await ada.call("POST", "/session/second-factor/confirm", { code: "000000" })).status).toBe(422);
    const confirmed = await ada.call("POST", "/session/second-factor/confirm", { code: codeNow() });
    const { recoveryCodes } = confirmed.json as { recoveryCodes: string[] };
    expect(recoveryCodes).toHaveLength(10);
    const phone = new Browser(api);
    const signIn = async (code?: string) =>
      await phone.call("POST", "/session", {
        email: owner.email,
        password,
        ...(code === undefined ? {} : { code }),
      });
    expect(await signIn()).toMatchObject({ status: 401, json: { error: { code: "ACCESS_CODE_NEEDED" } } });
    expect((await signIn(codeNow())).status).toBe(401);
    api.world.clock.advance(30_000);
    expect((await signIn(codeNow())).status).toBe(200);
    expect((await signIn(recoveryCodes[0])).status).toBe(200);
    expect((await signIn(recoveryCodes[0])).status).toBe(401);
    const kept = JSON.stringify(api.world.store.records.list("users")) + auditOf(api);
    for (const one of [secret, ...recoveryCodes]) expect(kept).not.toContain(one);
    expect((await ada.call("POST", "/session/second-factor/remove", { password })).status).toBe(200);
    expect((await signIn()).status).toBe(200);
  });
});

describe("tokens", () => {
  it("of a person never do more than the person now may, and end with them", async () => {
    const { api, ada } = await setUp();
    await api.deploy();
    const bo = await invited(ada, "bo@example.com", [{ role: "operator", stack: "shop" }]);
    const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
    const wide = await bo.call("POST", "/tokens", { name: "ci", grants: [{ role: "viewer" }] });
    expect(wide.status).toBe(403);
    const made = await bo.call("POST", "/tokens", { name: "ci" });
    const { secret, id } = made.json as { secret: string; id: string };
    const restart = async () =>
      (await api.call("POST", `${base}/restart`, { anonymous: true, headers: bearer(secret), body: {} }))
        .status;
    expect(await restart()).toBe(202);
    const child = { anonymous: true, headers: bearer(secret), body: { name: "child" } };
    expect((await api.call("POST", `${v1}/tokens`, child)).status).toBe(403);
    const [, user] = ((await ada.call("GET", "/users")).json as { users: { id: string }[] }).users;
    await ada.call("POST", `/users/${user?.id}`, { grants: [{ role: "viewer", stack: "shop" }] });
    expect(await restart()).toBe(403);
    await ada.call("POST", `/users/${user?.id}`, { disabled: true });
    expect(await restart()).toBe(401);
    const { tokens } = (await ada.call("GET", "/tokens")).json as { tokens: { id: string }[] };
    expect(tokens.map((token) => token.id)).toContain(id);
  });

  it("with an end are refused after it (R-224)", async () => {
    const { api, ada } = await setUp();
    const expiresAt = api.world.clock.now() + 1000;
    const made = await ada.call("POST", "/tokens", { name: "ci", expiresAt });
    const headers = { authorization: `Bearer ${(made.json as { secret: string }).secret}` };
    const version = async () => (await api.call("GET", `${v1}/version`, { anonymous: true, headers })).status;
    expect(await version()).toBe(200);
    api.world.clock.advance(1000);
    expect(await version()).toBe(401);
  });
});

describe("four eyes (R-249)", () => {
  it("are not the same two under an address and the name of a commit", async () => {
    const { ada, api } = await setUp();
    const dev = await invited(ada, "dev@example.com", [{ role: "approver", stack: "shop" }]);
    const seen: unknown[] = [];
    api.parts.delivery.approve = (_id, by) => {
      seen.push(by);
      throw new Error("enough");
    };
    const scope = { stack: "shop", environment: "production" };
    const facts = {
      commit: "1".repeat(40),
      subject: "s",
      author: "dev",
      ref: "main",
      trigger: "push" as const,
    };
    const run = api.parts.delivery.accept({ source: "shop", scope, ...facts }, { name: "x", reason: "" });
    await dev.call("POST", `/runs/${run.id}/approve`, {});
    expect(seen).toMatchObject([{ name: "dev@example.com", aliases: ["dev"] }]);
  });
});

function decoded(base32: string): Buffer {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...base32].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}
