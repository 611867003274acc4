import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoadGenerator } from "../../bench/load-generator.ts";
import { freePort, Platform, type PlatformOptions, root } from "../e2e/platform.ts";
import { whenAvailable } from "../e2e/when-available.ts";

const folder = join(root, "stacks/lila");
const files = ["-f", join(folder, "compose.yaml"), "-f", join(folder, "compose.stand-ins.yaml")];
const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const flags =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

/** A limit, not an expectation: machines that run tests are busy. */
const pageLimitMs = 90_000;

type Reply = { status: number; headers: IncomingHttpHeaders; body: string };
type AskOptions = { method?: string; headers?: Record<string, string>; body?: string };
type ReplicaRow = { service: string; role: string; ready: boolean };

/** The stack on one platform, with the addresses that its visitors and its operator use. */
class Lila {
  readonly platform: Platform;
  readonly #env: Record<string, string>;
  readonly #standInPort: number;

  private constructor(platform: Platform, standInPort: number) {
    this.platform = platform;
    this.#standInPort = standInPort;
    this.#env = {
      LILA_WEB_URL: this.url("lila.localhost"),
      LILA_API_URL: this.url("api.lila.localhost"),
      LILA_IDENTITY_URL: this.url("identity.lila.localhost"),
      IDENTITY_STAND_IN_PORT: String(standInPort),
    };
  }

  static async start(options: PlatformOptions): Promise<Lila> {
    return new Lila(await Platform.start(options), await freePort());
  }

  url(host: string): string {
    return `http://${host}:${this.platform.http}`;
  }

  async deploy(version: string): Promise<void> {
    const outcome = await this.platform.cli(["deploy", ...files], { ...this.#env, LILA_VERSION: version });
    expect(outcome.exitCode, `${outcome.stdout}\n${outcome.stderr}\n${this.platform.logTail()}`).toBe(0);
  }

  async exec(service: string, argv: readonly string[]): Promise<string> {
    const { stdout } = await this.platform.ok(["exec", "--stack", "lila", "-T", service, "--", ...argv]);
    return stdout.trim();
  }

  /** What the API complained about, for the message of a failed expectation. */
  async complaints(): Promise<string> {
    const { stdout } = await this.platform.cli(["logs", "--stack", "lila", "--tail", "60", "api"]);
    return stdout;
  }

  sql(text: string): Promise<string> {
    return this.exec("database", ["psql", "-U", "lila", "-d", "lila", "-Atc", text]);
  }

  /** Through the edge, as a client that resolves the name. */
  ask(host: string, path: string, { method = "GET", headers = {}, body }: AskOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const where = { host: "127.0.0.1", port: this.platform.http, path, method, timeout: 10_000 };
      const sent = request({ ...where, headers: { host, ...headers } }, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      });
      sent.on("timeout", () => sent.destroy(new Error(`${host}${path} gave no answer`)));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  async versions(): Promise<string[]> {
    const replies = [
      await this.ask("lila.localhost", "/health"),
      await this.ask("api.lila.localhost", "/health"),
    ];
    return replies.map(({ headers }) => String(headers["x-lila-version"]));
  }

  /** The stand-in's own control API, past the edge. */
  async controlIdentity(path: string, body: unknown): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.#standInPort}/_stand-in/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.ok, await answer.text()).toBe(true);
  }

  load(): LoadGenerator {
    return new LoadGenerator({
      host: "127.0.0.1",
      port: this.platform.http,
      requests: [
        { host: "lila.localhost", path: "/study" },
        { host: "lila.localhost", path: "/config.json" },
        { host: "api.lila.localhost", path: "/api/languages" },
        { host: "api.lila.localhost", path: "/api/me" },
      ],
      connections: 8,
      rate: 100,
    }).start();
  }

  signInRequest(provider: string): Promise<Reply> {
    return this.ask("api.lila.localhost", "/api/auth/sign-in/social", {
      method: "POST",
      headers: { origin: this.url("lila.localhost"), "content-type": "application/json" },
      body: JSON.stringify({ provider, callbackURL: `${this.url("lila.localhost")}/study` }),
    });
  }
}

/** One person's browser: from the page at the apex to the provider and back. */
async function signIn(page: Page, lila: Lila, provider: "Google" | "GitHub", email: string): Promise<void> {
  await page.goto(lila.url("lila.localhost"));
  await page.getByRole("button", { name: `Sign in with ${provider}` }).click();
  await page.locator(`button[name=person][value="${email}"]`).click();
  await page.waitForURL(`${lila.url("lila.localhost")}/**`);
}

async function studyOneCard(page: Page): Promise<string> {
  const front = (await page.getByTestId("card").textContent()) ?? "";
  await page.getByRole("button", { name: "Show answer" }).click();
  await page.getByRole("button", { name: "I knew it" }).click();
  await page.getByTestId("card").filter({ hasNotText: front }).waitFor();
  return front;
}

async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(pageLimitMs);
  return page;
}

const progressOf = (page: Page) => page.getByTestId("progress").textContent();

type Parts = { lila: Lila; browser: Browser };

function lilaSuite(options: PlatformOptions, more: (parts: () => Parts) => void): void {
  describe(`lila on ${options.runtime} + ${options.edge}`, () => {
    let lila: Lila;
    let browser: Browser;
    let ada: { context: BrowserContext; page: Page };
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: chromiumPath, args: flags.split(" ") });
      lila = await Lila.start(options);
      await lila.deploy("1");
      const context = await browser.newContext();
      ada = { context, page: await openPage(context) };
    });
    afterAll(async () => {
      await browser?.close();
      await lila?.platform.stop();
    });

    it("answers at its two hosts, the page with the address of this environment's API (R-019, R-095)", async () => {
      expect(await lila.versions()).toEqual(["1", "1"]);
      const config = JSON.parse((await lila.ask("lila.localhost", "/config.json")).body);
      expect(config).toEqual({ apiUrl: lila.url("api.lila.localhost"), version: "1" });
      const deep = await lila.ask("lila.localhost", "/deck/42");
      expect([deep.status, deep.headers["cache-control"]]).toEqual([200, "no-cache"]);
      expect((await lila.ask("lila.localhost", "/assets/missing.js")).status).toBe(404);
    });

    it("lets the page's origin in and refuses every other (R-245)", async () => {
      const preflight = (origin: string) =>
        lila.ask("api.lila.localhost", "/api/me/language", {
          method: "OPTIONS",
          headers: { origin, "access-control-request-method": "PUT" },
        });
      const allowed = await preflight(lila.url("lila.localhost"));
      expect(allowed.status).toBe(204);
      expect(allowed.headers["access-control-allow-origin"]).toBe(lila.url("lila.localhost"));
      for (const origin of [lila.url("git.lila.localhost"), "null", "https://lila.localhost"]) {
        const { status, headers } = await preflight(origin);
        expect([status, headers["access-control-allow-origin"]], origin).toEqual([403, undefined]);
      }
    });

    it("takes a person from sign-in across two subdomains to the first card; a reload keeps it (R-244, R-302)", async () => {
      const { page, context } = ada;
      await signIn(page, lila, "Google", "ada@example.com");
      expect(await page.getByTestId("person").textContent()).toBe("Ada Lovelace");
      await page.getByRole("button", { name: "Español" }).click();
      expect(await studyOneCard(page)).toBe("el agua");
      expect(await progressOf(page)).toBe("1 of 8 cards studied");
      await page.reload();
      await page.getByTestId("card").filter({ hasText: "la casa" }).waitFor();
      expect(await progressOf(page)).toBe("1 of 8 cards studied");
      const cookies = await context.cookies(lila.url("lila.localhost"));
      const session = cookies.find(({ name }) => name.endsWith("session_token"));
      expect(session).toMatchObject({ domain: ".lila.localhost", httpOnly: true, sameSite: "Lax" });
    });

    it("gives another person, through GitHub, progress of their own (R-243, R-302)", async () => {
      const context = await browser.newContext();
      const page = await openPage(context);
      await signIn(page, lila, "GitHub", "grace@example.com");
      await page.getByRole("button", { name: "Español" }).click();
      expect(await page.getByTestId("card").textContent()).toBe("el agua");
      expect(await progressOf(page)).toBe("0 of 8 cards studied");
      await context.close();
    });

    it("keeps another host's page from reading who is signed in (R-245)", async () => {
      const page = await openPage(ada.context);
      const readMe = () =>
        page.evaluate(
          (url) =>
            fetch(url, { credentials: "include" }).then(
              (answer) => answer.status,
              () => "refused",
            ),
          `${lila.url("api.lila.localhost")}/api/me`,
        );
      await page.goto(`${lila.url("identity.lila.localhost")}/health`);
      expect(await readMe()).toBe("refused");
      // No page of the application: its policy would allow the request, and so would the API.
      await page.goto(`${lila.url("lila.localhost")}/config.json`);
      expect(await readMe()).toBe(200);
      await page.close();
    });

    it("goes from v1 to v2 under load and back: no request fails, nobody is signed out, no progress is lost", async () => {
      const { page } = ada;
      const load = lila.load();
      await lila.deploy("2");
      expect(await lila.versions()).toEqual(["2", "2"]);
      await page.reload();
      await page.getByTestId("card").filter({ hasText: "la casa" }).waitFor();
      expect(await page.getByTestId("version").textContent()).toBe("version 2");
      await studyOneCard(page);
      await lila.platform.ok(["rollback", "--stack", "lila"]);
      expect(await lila.versions()).toEqual(["1", "1"]);
      const report = await load.stop();
      process.stdout.write(
        `lila on ${options.runtime}: v1 → v2 → v1: ${report.requests} requests, ${report.failed} failed, p99 ${report.p99Ms.toFixed(0)} ms\n`,
      );
      expect(report.requests).toBeGreaterThan(100);
      const why = report.failed > 0 ? `${JSON.stringify(report)}\n${await lila.complaints()}` : "";
      expect(report, why).toMatchObject({ failed: 0 });
      await page.reload();
      await page.getByTestId("card").filter({ hasText: "el perro" }).waitFor();
      expect(await progressOf(page)).toBe("2 of 8 cards studied");
    });

    it("signs out for both subdomains at once (R-242)", async () => {
      const { page, context } = ada;
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("button", { name: "Sign in with GitHub" }).waitFor();
      expect((await context.cookies()).filter(({ name }) => name.endsWith("session_token"))).toEqual([]);
    });

    more(() => ({ lila, browser }));
  });
}

function dockerCases(parts: () => Parts): void {
  it("refuses a sign-in with a wrong state, and a return address that the provider does not know (R-243)", async () => {
    const { lila } = parts();
    const forged = await lila.ask("api.lila.localhost", "/api/auth/callback/google?code=x&state=forged");
    expect(forged.headers.location, JSON.stringify(forged)).toContain("error=");
    expect(forged.headers["set-cookie"]?.join() ?? "").not.toContain("session_token=");
    await lila.controlIdentity("redirect-uris", {
      uris: ["https://api.lilastudy.com/api/auth/callback/google"],
    });
    const { url } = JSON.parse((await lila.signInRequest("google")).body);
    const { host, pathname, search } = new URL(url);
    expect((await lila.ask(host, pathname + search)).status).toBe(400);
    const own = ["google", "github"].map((id) => `${lila.url("api.lila.localhost")}/api/auth/callback/${id}`);
    await lila.controlIdentity("redirect-uris", { uris: own });
  });

  it("changes nothing when migrations and seeding run again (R-129, R-137)", async () => {
    const { lila } = parts();
    const tables = ["language", "card", "progress", '"user"', "drizzle.__drizzle_migrations"];
    const sums = tables.map(
      (name) => `select count(*), md5(string_agg(t::text, '|' order by t::text)) from ${name} t`,
    );
    const checksum = () => lila.sql(sums.join(" union all "));
    const before = await checksum();
    expect(before.split("\n")).toHaveLength(tables.length);
    const output = await lila.exec("api", ["node", "src/release.ts"]);
    expect(output).toContain("migrate: 0 applied");
    expect(output).toContain("seed: 0 languages and 0 cards added");
    expect(await checksum()).toBe(before);
  });

  it("lets in no further Google user after the hundredth, and says why; the count is a metric (R-288)", async () => {
    const { lila, browser } = parts();
    const fill = (from: number, to: number) =>
      lila.sql(
        `with people as (insert into "user" (id, name, email) select 'g' || n, 'g', 'g' || n || '@example.com'
           from generate_series(${from}, ${to}) n returning id)
         insert into account (id, account_id, provider_id, user_id) select id, id, 'google', id from people`,
      );
    const metrics = async () => {
      const headers = { authorization: "Bearer stand-in-metrics" };
      const { body } = await lila.ask("api.lila.localhost", "/metrics", { headers });
      const read = (name: string) =>
        Number(new RegExp(`lila_google_${name}\\{[^}]*\\} (\\d+)`).exec(body)?.[1]);
      return [read("users"), read("quota_level")];
    };
    expect((await lila.ask("api.lila.localhost", "/metrics")).status).toBe(401);
    expect(await metrics()).toEqual([1, 0]);
    await fill(2, 79);
    expect(await metrics()).toEqual([79, 0]);
    await fill(80, 80);
    expect(await metrics()).toEqual([80, 1]);
    await fill(81, 100);
    expect(await metrics()).toEqual([100, 2]);

    // A browser for each person, as in life.
    const [alan, ada] = await Promise.all([browser.newContext(), browser.newContext()]);
    const refused = await openPage(alan);
    await signIn(refused, lila, "Google", "alan@example.com");
    expect(await refused.getByRole("alert").textContent()).toContain("No more Google sign-ups for now");
    const welcome = await openPage(ada);
    await signIn(welcome, lila, "Google", "ada@example.com");
    expect(await welcome.getByTestId("person").textContent()).toBe("Ada Lovelace");
    expect(await metrics()).toEqual([100, 2]);
    await Promise.all([alan.close(), ada.close()]);
  });

  it("tells a page that hangs from an API that is well: the web has a probe of its own (R-283)", async () => {
    const { lila } = parts();
    const current = async () => {
      const { replicas } = await lila.platform.json<{ replicas: ReplicaRow[] }>(["ps", "--stack", "lila"]);
      const rows = replicas.filter(({ role }) => role === "current");
      return Object.fromEntries(rows.map(({ service, ready }) => [service, ready]));
    };
    expect(await current()).toMatchObject({ web: true, api: true });
    const list = ["ps", "--format", "{{.Names}}", "--filter", "name=lila-production-web"];
    const webs = spawnSync("docker", list, { encoding: "utf8" }).stdout.trim().split("\n");
    spawnSync("docker", ["pause", ...webs]);
    try {
      await expect.poll(current, { timeout: 60_000, interval: 500 }).toMatchObject({ web: false, api: true });
      expect((await lila.ask("api.lila.localhost", "/ready")).status).toBe(200);
    } finally {
      spawnSync("docker", ["unpause", ...webs]);
    }
    await expect.poll(current, { timeout: 60_000, interval: 500 }).toMatchObject({ web: true, api: true });
  });
}

function whenThereIsABrowser(options: PlatformOptions, suites: () => void): void {
  if (existsSync(chromiumPath) || process.env["CI"] === "true") {
    whenAvailable(options, suites);
    return;
  }
  describe(`lila on ${options.runtime}`, () => {
    it.skip(`needs ${chromiumPath}, which this machine does not have`, () => undefined);
  });
}

const docker = { runtime: "docker", edge: "haproxy" } as const;
whenThereIsABrowser(docker, () => lilaSuite(docker, dockerCases));
const processes = { runtime: "process", edge: "embedded" } as const;
whenThereIsABrowser(processes, () => lilaSuite(processes, () => undefined));
