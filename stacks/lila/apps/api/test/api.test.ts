import assert from "node:assert/strict";
import type { Server } from "node:http";
import { after, before, describe, it } from "node:test";
import { createApp } from "../src/app.ts";
import { createAuth } from "../src/auth.ts";
import { prepareDatabase } from "../src/release.ts";
import { readSettings } from "../src/settings.ts";
import { freshDatabase } from "./fresh-database.ts";

const web = "https://lilastudy.com";
const own = "https://api.lilastudy.com";

describe("the API over HTTP", () => {
  let fresh: Awaited<ReturnType<typeof freshDatabase>>;
  let server: Server;
  let base = "";
  before(async () => {
    fresh = await freshDatabase();
    const settings = readSettings({
      APP_VERSION: "7",
      DATABASE_URL: fresh.url,
      BETTER_AUTH_URL: own,
      BETTER_AUTH_SECRET: "0123456789abcdef0123456789abcdef",
      CORS_ORIGIN: web,
      COOKIE_DOMAIN: ".lilastudy.com",
      GITHUB_CLIENT_ID: "id",
      GITHUB_CLIENT_SECRET: "secret",
      METRICS_TOKEN: "token",
    });
    await prepareDatabase(settings);
    const { db } = fresh;
    const app = createApp({ db, auth: createAuth(db, settings), settings });
    await new Promise<void>((resolve) => {
      server = app.listen(0, "127.0.0.1", () => resolve());
    });
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  });
  after(async () => {
    await new Promise((resolve) => server?.close(resolve));
    await fresh?.drop();
  });
  const ask = (path: string, init: RequestInit = {}) => fetch(`${base}${path}`, init);
  const preflight = (origin: string) =>
    ask("/api/me/language", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "PUT" },
    });

  it("says its version and that it lives and is ready", async () => {
    const health = await ask("/health");
    assert.deepEqual(await health.json(), { status: "ok", version: "7" });
    assert.equal(health.headers.get("x-lila-version"), "7");
    assert.equal((await ask("/ready")).status, 200);
  });

  it("lets the web's origin in, with credentials, and no other (R-245)", async () => {
    const allowed = await preflight(web);
    assert.equal(allowed.status, 204);
    assert.equal(allowed.headers.get("access-control-allow-origin"), web);
    assert.equal(allowed.headers.get("access-control-allow-credentials"), "true");
    for (const origin of [
      "https://git.lilastudy.com",
      "null",
      "http://lilastudy.com",
      `${web}.evil.example`,
    ]) {
      const refused = await preflight(origin);
      assert.equal(refused.status, 403, origin);
      assert.equal(refused.headers.get("access-control-allow-origin"), null, origin);
    }
    const simple = await ask("/api/languages", { headers: { origin: "https://git.lilastudy.com" } });
    assert.equal(simple.status, 403);
  });

  it("sends a secure, HTTP-only cookie for the whole domain, and state with PKCE to the provider (R-243, R-244)", async () => {
    const answer = await ask("/api/auth/sign-in/social", {
      method: "POST",
      headers: { origin: web, "content-type": "application/json" },
      body: JSON.stringify({ provider: "github", callbackURL: `${web}/study` }),
    });
    assert.equal(answer.status, 200);
    const { url } = (await answer.json()) as { url: string };
    const { origin, searchParams } = new URL(url);
    assert.equal(origin, "https://github.com");
    assert.equal(searchParams.get("redirect_uri"), `${own}/api/auth/callback/github`);
    assert.equal(searchParams.get("code_challenge_method"), "S256");
    assert.ok(searchParams.get("state"));
    const cookie = answer.headers.getSetCookie().join("\n");
    for (const part of [/^__Secure-/, /Domain=\.?lilastudy\.com/, /Secure/, /HttpOnly/, /SameSite=Lax/i])
      assert.match(cookie, part);
  });

  it("refuses to send anybody back to a foreign address", async () => {
    const answer = await ask("/api/auth/sign-in/social", {
      method: "POST",
      headers: { origin: web, "content-type": "application/json" },
      body: JSON.stringify({ provider: "github", callbackURL: "https://evil.example/" }),
    });
    assert.equal(answer.status, 403);
  });

  it("keeps what is personal from who is not signed in", async () => {
    assert.deepEqual(await (await ask("/api/me")).json(), { user: null, language: null });
    assert.equal((await ask("/api/study")).status, 401);
    assert.equal((await ask("/api/me/language", { method: "PUT" })).status, 401);
  });

  it("answers JSON to what it cannot read or does not have", async () => {
    const headers = { "content-type": "application/json" };
    const broken = await ask("/api/study/answers", { method: "POST", headers, body: "{" });
    assert.equal(broken.status, 400);
    assert.equal((await ask("/nothing")).status, 404);
  });

  it("shows the number of Google users to the holder of the token alone (R-288)", async () => {
    assert.equal((await ask("/metrics")).status, 401);
    const page = await (await ask("/metrics", { headers: { authorization: "Bearer token" } })).text();
    assert.match(page, /lila_google_users\{version="7"\} 0/);
    assert.match(page, /lila_google_users_limit\{version="7"\} 100/);
    assert.match(page, /lila_google_quota_level\{version="7"\} 0/);
  });
});
