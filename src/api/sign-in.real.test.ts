import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ApiWorld } from "./api-support.ts";

/** A real OpenID provider (oidc-provider), as the reference stacks use it. */
const standIns = join(import.meta.dirname, "../../stacks/stand-ins");
const installed = existsSync(join(standIns, "node_modules/oidc-provider"));
if (!installed && process.env["CI"] !== "true")
  process.stdout.write("skipped: no OpenID provider; run `npm ci` in stacks/stand-ins\n");
const withProvider = installed || process.env["CI"] === "true" ? describe : describe.skip;

const password = "correct horse battery";
let provider: ChildProcess | undefined;
let issuer = "";
let api: ApiWorld;
let origin = "";

/** Keeps cookies per origin, follows redirects until a page. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly seen: string[] = [];

  async open(url: string, init: RequestInit = {}): Promise<{ url: URL; text: string }> {
    let [next, request] = [new URL(url), init];
    for (let hops = 0; hops < 12; hops += 1) {
      const jar = this.#cookies.get(next.origin) ?? new Map<string, string>();
      this.#cookies.set(next.origin, jar);
      const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
      const response = await fetch(next, {
        ...request,
        redirect: "manual",
        headers: { ...request.headers, cookie },
      });
      this.seen.push(next.href);
      for (const one of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
        if (value === "") jar.delete(name);
        else jar.set(name, value);
      }
      const location = response.headers.get("location");
      if (location === null) return { url: next, text: await response.text() };
      [next, request] = [new URL(location, next), {}];
    }
    throw new Error(`too many redirects from ${url}`);
  }

  async signIn(email: string): Promise<URL> {
    const { url, text } = await this.open(`${origin}/sign-in/google`);
    const action = /<form method="post" action="([^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
    if (action === undefined) return url;
    const form = { method: "POST", body: new URLSearchParams({ person: email }) };
    return (await this.open(new URL(action, url).href, form)).url;
  }

  async who(): Promise<number> {
    const jar = this.#cookies.get(origin) ?? new Map<string, string>();
    const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
    return (await fetch(`${origin}/api/v1/session`, { headers: { cookie } })).status;
  }
}

async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createTcpServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

async function asAdmin(method: string, path: string, body?: unknown) {
  return await api.call(method, `/api/v1${path}`, body === undefined ? {} : { body });
}

beforeAll(async () => {
  if (!installed) return;
  const port = await freePort();
  issuer = `http://localhost:${port}`;
  api = new ApiWorld();
  origin = await api.server.listen({ host: "127.0.0.1", port: 0 });
  provider = spawn(process.execPath, [join(standIns, "src/identity/main.ts")], {
    env: {
      PATH: process.env["PATH"],
      PORT: String(port),
      HOST: "127.0.0.1",
      PUBLIC_URL: issuer,
      REDIRECT_URIS: `${origin}/sign-in/google/callback`,
    },
    stdio: "ignore",
  });
  const answers = async () => (await fetch(`${issuer}/.well-known/openid-configuration`)).status;
  await vi.waitFor(async () => expect(await answers()).toBe(200), { timeout: 30_000, interval: 100 });
  const saved = await asAdmin("POST", "/sign-in-providers/google", {
    title: "Google",
    issuer,
    clientId: "stand-in-client",
    clientSecret: "stand-in-secret",
  });
  expect(saved.status).toBe(200);
});

afterAll(async () => {
  provider?.kill();
  await api?.server.close();
});

withProvider("sign-in with an account elsewhere", () => {
  it("lets in who was invited under the address that the provider has verified, and links the account", async () => {
    await asAdmin("POST", "/users", {
      email: "ada@example.com",
      grants: [{ role: "viewer", stack: "shop" }],
    });
    const browser = new Browser();
    const end = await browser.signIn("ada@example.com");
    expect([end.origin, end.pathname, end.search]).toEqual([origin, "/", ""]);
    expect(await browser.who()).toBe(200);
    const [user] = api.parts.access.users.list();
    expect(user?.accounts).toMatchObject([{ provider: "google" }]);
    // From now on by the account, whatever its address becomes.
    api.parts.access.users.update(user?.id ?? "", (known) => ({ ...known, email: "renamed@example.com" }));
    const again = new Browser();
    await again.signIn("ada@example.com");
    expect(await again.who()).toBe(200);
    const kept = JSON.stringify([
      api.world.store.audit.list(100),
      api.world.store.records.list("signInProviders"),
    ]);
    expect(kept).toContain("session.start");
    expect(kept).not.toContain("stand-in-secret");
  });

  it("refuses strangers, unverified addresses and who was disabled", async () => {
    const refused = async (email: string) => {
      const browser = new Browser();
      const end = await browser.signIn(email);
      expect(end.search).toBe("?signInError=ACCESS_NOT_INVITED");
      expect(await browser.who()).toBe(401);
    };
    await refused("grace@example.com");
    await asAdmin("POST", "/users", { email: "mallory@example.com", grants: [{ role: "admin" }] });
    await fetch(`${issuer}/_stand-in/people`, {
      method: "POST",
      body: JSON.stringify({ email: "mallory@example.com", name: "M", emailVerified: false }),
    });
    await refused("mallory@example.com");
    const bo = await asAdmin("POST", "/users", { email: "alan@example.com", grants: [] });
    const { user } = bo.json as { user: { id: string } };
    await asAdmin("POST", `/users/${user.id}`, { disabled: true });
    await refused("alan@example.com");
  });

  it("refuses an answer with another state, one that was used, and one for another browser", async () => {
    const browser = new Browser();
    await browser.signIn("ada@example.com");
    const callback = new URL(browser.seen.find((url) => url.includes("/callback")) ?? "");
    for (const [other, change] of [
      [browser, ""],
      [new Browser(), ""],
      [browser, "x"],
    ] as const) {
      const url = new URL(callback);
      url.searchParams.set("state", `${url.searchParams.get("state")}${change}`);
      const end = await other.open(url.href);
      expect(end.url.search).toBe("?signInError=ACCESS_PROVIDER_FAILED");
    }
    const begun = new Browser();
    await begun.open(`${origin}/sign-in/google`);
    const forged = await begun.open(
      `${origin}/sign-in/google/callback?code=stolen&state=guess&iss=${issuer}`,
    );
    expect(forged.url.search).toBe("?signInError=ACCESS_PROVIDER_FAILED");
    expect(await begun.who()).toBe(401);
  });

  it("says which provider is not there or does not answer", async () => {
    const end = await new Browser().open(`${origin}/sign-in/nobody`);
    expect(end.url.search).toBe("?signInError=ACCESS_PROVIDER_UNKNOWN");
    const body = { title: "Gone", issuer: `http://localhost:1`, clientId: "x", clientSecret: password };
    await asAdmin("POST", "/sign-in-providers/gone", body);
    const gone = await new Browser().open(`${origin}/sign-in/gone`);
    expect(gone.url.search).toBe("?signInError=ACCESS_PROVIDER_FAILED");
    expect(api.world.logged.join("\n")).not.toContain(password);
  });
});
