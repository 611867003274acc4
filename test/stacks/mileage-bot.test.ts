import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, Platform, root } from "../e2e/platform.ts";
import { whenAvailable } from "../e2e/when-available.ts";

const run = promisify(execFile);
const folder = join(root, "stacks/mileage-bot");
const host = "mileage-bot.localhost";
const guildId = "100000000000000001";
const ada = { id: "200000000000000001", username: "ada" };
const chromiumPath = "/usr/bin/chromium";
const outageMs = 20_000;

type Session = {
  identifiedAt: string;
  closedAt: string | null;
  closeCode: number | null;
  live: boolean;
  overlap: boolean;
  resumes: number;
  heartbeats: number;
};
type Reply = { interactionId: string; command: string; content: string };
type Answer = { status: number; body: string; headers: Record<string, string | string[] | undefined> };

/** The stack as one platform runs it, with Discord's stand-in beside it. */
class Stack {
  readonly platform: Platform;
  readonly discordPort: number;
  readonly overlays: readonly string[];
  cookie = "";

  constructor(platform: Platform, discordPort: number, overlays: readonly string[]) {
    this.platform = platform;
    this.discordPort = discordPort;
    this.overlays = overlays;
  }

  get publicUrl(): string {
    return `http://${host}:${this.platform.http}`;
  }

  deploy(version: string, ...more: string[]) {
    const files = ["compose.yaml", "compose.stand-ins.yaml", ...this.overlays].map((name) =>
      join(folder, name),
    );
    const env = {
      MILEAGE_VERSION: version,
      MILEAGE_PUBLIC_URL: this.publicUrl,
      MILEAGE_DAILIES_TICK_SECONDS: "1",
      DISCORD_STAND_IN_PORT: String(this.discordPort),
      DISCORD_HEARTBEAT_INTERVAL_MS: "2000",
    };
    return this.platform.cli(["deploy", ...[...files, ...more].flatMap((file) => ["-f", file])], env);
  }

  async deployed(version: string): Promise<void> {
    const outcome = await this.deploy(version);
    expect(outcome.exitCode, outcome.stdout + outcome.stderr + this.platform.logTail()).toBe(0);
    expect(JSON.parse((await this.ask("GET", "/health", `api.${host}`)).body)).toMatchObject({ version });
    expect(JSON.parse((await this.ask("GET", "/version.json")).body)).toMatchObject({ version });
  }

  /** One request through the edge, with the session if there is one. */
  ask(
    method: string,
    path: string,
    name = host,
    body?: unknown,
    key?: string,
    agent?: Agent,
  ): Promise<Answer> {
    const headers = {
      host: name,
      origin: this.publicUrl,
      ...(this.cookie === "" ? {} : { cookie: this.cookie }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
    };
    const target = { host: "127.0.0.1", port: this.platform.http, method, path, headers, timeout: 75_000 };
    return new Promise((resolve, reject) => {
      const sent = request({ ...target, ...(agent === undefined ? {} : { agent }) }, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers });
        });
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer within 75 s")));
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  write(key: string, distanceM: number): Promise<Answer> {
    const entry = { driverId: ada.id, driverName: "ada", distanceM, drivenOn: "2026-01-15", note: key };
    return this.ask("POST", `/api/guilds/${guildId}/entries`, host, entry, key);
  }

  async entryNotes(): Promise<string[]> {
    const notes: string[] = [];
    let before = "";
    for (let page = 0; page < 20; page += 1) {
      const answer = await this.ask("GET", `/api/guilds/${guildId}/entries?limit=100${before}`);
      if (answer.status !== 200) throw new Error(`the list answered ${answer.status}: ${answer.body}`);
      const list = JSON.parse(answer.body) as { entries: { note: string }[]; before?: string };
      notes.push(...list.entries.map(({ note }) => note));
      if (list.before === undefined) return notes;
      before = `&before=${list.before}`;
    }
    throw new Error("more entries than expected");
  }

  /** Signs in as the browser would: to Discord's page, a choice there, and back. */
  async signIn(): Promise<void> {
    this.cookie = "";
    const begun = await this.ask("GET", "/auth/login");
    const choice = await fetch(String(begun.headers["location"]), {
      method: "POST",
      redirect: "manual",
      body: new URLSearchParams({ person: ada.id }),
    });
    const back = new URL(choice.headers.get("location") ?? "");
    this.cookie = cookieOf(begun);
    const done = await this.ask("GET", back.pathname + back.search);
    if (done.status !== 302) throw new Error(`sign-in: ${done.status} ${done.body}\n${await this.logs()}`);
    this.cookie = cookieOf(done);
  }

  async logs(): Promise<string> {
    return (await this.platform.cli(["logs", "backend", "--stack", "mileage-bot"])).stdout;
  }

  async discord<T>(path: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.discordPort}/_stand-in/${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json" },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  sessions(): Promise<Session[]> {
    return this.discord<Session[]>("sessions");
  }

  /** Uses a slash command as ada and gives the id of that use. */
  async use(command: string, options: Record<string, unknown> = {}): Promise<string> {
    const call = { guildId, channelId: "100000000000000002", user: ada, command, options };
    return (await this.discord<{ id: string }>("interactions", call)).id;
  }

  async replyTo(id: string): Promise<string> {
    return eventually(`a reply to ${id}`, async () => {
      const replies = await this.discord<Reply[]>("replies");
      return replies.find(({ interactionId, content }) => interactionId === id && content !== "")?.content;
    });
  }

  async replica(service: string): Promise<{ id: string; restarts: number }> {
    type Listed = { service: string; id: string; role: string; restarts: number };
    const { replicas } = await this.platform.json<{ replicas: Listed[] }>(["ps", "--stack", "mileage-bot"]);
    const found = replicas.find((each) => each.service === service && each.role === "current");
    if (!found) throw new Error(`no current replica of ${service}`);
    return found;
  }
}

function cookieOf(answer: Answer): string {
  const given = [answer.headers["set-cookie"] ?? []].flat().map((each) => each.split(";")[0] ?? "");
  return given.filter((each) => !each.endsWith("=")).join("; ");
}

async function eventually<T>(what: string, find: () => Promise<T | undefined>, limitMs = 40_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Keep-alive clients of the page and of the signed-in admin API; every error and every answer but 200 counts. */
class Load {
  readonly failures: string[] = [];
  requests = 0;
  longestMs = 0;
  #stopping = false;
  readonly #stack: Stack;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 6 });
  readonly #clients: Promise<void>[];

  constructor(stack: Stack) {
    this.#stack = stack;
    const paths = [
      "/",
      "/api/guilds",
      `/guilds/${guildId}`,
      `/api/guilds/${guildId}/config`,
      "/version.json",
      "/api/me",
    ];
    this.#clients = paths.map((path) => this.#client(path));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }

  async #client(path: string): Promise<void> {
    while (!this.#stopping) {
      const began = performance.now();
      this.requests += 1;
      const { status } = await this.#stack
        .ask("GET", path, host, undefined, undefined, this.#agent)
        .catch((error: Error) => ({ status: error.message }));
      if (status !== 200 && this.failures.length < 50) this.failures.push(`${path}: ${status}`);
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }
}

/** Most sessions alive at one moment, and the times without any between two. */
function judge(sessions: readonly Session[]): { most: number; gapsMs: readonly number[] } {
  const spans = sessions
    .map(
      ({ identifiedAt, closedAt }) =>
        [Date.parse(identifiedAt), closedAt === null ? Infinity : Date.parse(closedAt)] as const,
    )
    .sort((a, b) => a[0] - b[0]);
  const most = Math.max(...spans.map(([at]) => spans.filter(([from, to]) => from <= at && at < to).length));
  const gapsMs = spans.slice(1).map(([from], index) => from - (spans[index]?.[1] ?? from));
  return { most, gapsMs };
}

whenAvailable({ runtime: "docker", edge: "haproxy" }, () =>
  describe("mileage-bot on docker + haproxy", () => {
    let stack: Stack;
    beforeAll(async () => {
      const platform = await Platform.start({ runtime: "docker", edge: "haproxy" });
      stack = new Stack(platform, await freePort(), []);
      await stack.deployed("1");
      await stack.signIn();
    });
    afterAll(async () => {
      await stack?.platform.stop();
    });

    it("runs three roles in one program, commands registered, the page apart from the API (R-001, R-002, R-018, R-260)", async () => {
      const { body } = await stack.ask("GET", "/health", `api.${host}`);
      const { roles } = JSON.parse(body) as { roles: Record<string, { state: string }> };
      expect(Object.entries(roles).map(([name, { state }]) => `${name} ${state}`)).toEqual([
        "gateway up",
        "admin-api up",
        "dailies up",
      ]);
      const { global } = await stack.discord<{ global: { name: string }[] }>("commands");
      expect(global.map(({ name }) => name)).toEqual(["log-mileage", "my-mileage"]);
      expect((await stack.ask("GET", "/guilds/1")).body).toContain("<title>Mileage</title>");
      const unknown = await stack.ask("GET", "/api/nothing");
      expect([unknown.status, unknown.headers["x-app-version"]]).toEqual([404, "1"]);
    });

    withBrowser(
      "a mileage setting changed in the page is what the bot uses (R-300), and sign-in returns to the page (R-287)",
      async (context) => {
        const page = await context.newPage();
        const errors: string[] = [];
        page.on("pageerror", (error) => errors.push(error.message));
        expect(await stack.replyTo(await stack.use("log-mileage", { distance: 10 }))).toBe(
          "Recorded 10 km (3.00 EUR).",
        );
        await page.goto(`${stack.publicUrl}/guilds/${guildId}`);
        await page.getByRole("link", { name: "Sign in with Discord" }).click();
        await page.locator(`button[name=person][value="${ada.id}"]`).click();
        await page.waitForURL(`${stack.publicUrl}/guilds/${guildId}`);
        await page.getByRole("combobox", { name: "Unit" }).selectOption("mi");
        await page.getByLabel("Rate for each unit, in cents").fill("67");
        await page.getByRole("button", { name: "Save" }).click();
        await page.getByText("Version 2, last saved by ada").waitFor();
        expect(await stack.replyTo(await stack.use("log-mileage", { distance: 10 }))).toBe(
          "Recorded 10 mi (6.70 EUR).",
        );
        const { id } = await stack.replica("db");
        const sql = "delete from sessions where user_name = 'ada'";
        await run("docker", ["exec", id, "psql", "-U", "mileage", "-d", "mileage", "-c", sql]);
        await page.reload();
        await page.getByRole("link", { name: "Sign in with Discord" }).click();
        await page.locator(`button[name=person][value="${ada.id}"]`).click();
        await page.waitForURL(`${stack.publicUrl}/guilds/${guildId}`);
        await page.getByRole("cell", { name: "10 mi" }).waitFor();
        expect(errors).toEqual([]);
        await stack.signIn();
      },
    );

    it("a restart of the backend keeps the dashboard's session (R-287)", async () => {
      const before = await stack.replica("backend");
      await stack.platform.ok(["restart", "backend", "--stack", "mileage-bot"]);
      expect((await stack.replica("backend")).id).not.toBe("");
      expect((await stack.ask("GET", "/api/me")).status, before.id).toBe(200);
    });

    it("five deploys and a rollback under load: no failed request, never two gateway sessions (R-090)", async () => {
      const load = new Load(stack);
      try {
        for (const version of ["2", "3", "4", "5", "6"]) await stack.deployed(version);
        await stack.platform.ok(["rollback", "--stack", "mileage-bot"]);
      } finally {
        await load.stop();
      }
      expect(JSON.parse((await stack.ask("GET", "/health", `api.${host}`)).body)).toMatchObject({
        version: "5",
      });
      const sessions = await stack.sessions();
      const { most, gapsMs } = judge(sessions);
      console.log(
        `mileage-bot: ${load.requests} requests, ${load.failures.length} failed, longest ${Math.round(load.longestMs)} ms; ${sessions.length} sessions, gaps ${gapsMs.join(", ")} ms`,
      );
      expect(load.failures).toEqual([]);
      expect(load.requests).toBeGreaterThan(300);
      expect(sessions.length).toBeGreaterThanOrEqual(7);
      expect(sessions.filter(({ overlap }) => overlap)).toEqual([]);
      expect(most).toBe(1);
      // Some seconds on a quiet machine; the edge holds requests for at most 60 s.
      expect(Math.max(...gapsMs)).toBeLessThan(60_000);
    }, 900_000);

    it("a release that crashes at its start fails, and the old one has its session back (R-090)", async () => {
      const scratch = mkdtempSync(join(tmpdir(), "mileage-crash-"));
      const overlay = join(scratch, "crash.yaml");
      writeFileSync(overlay, 'services: { backend: { command: [node, -e, "process.exit(3)"] } }\n');
      const outcome = await stack.deploy("7", overlay);
      rmSync(scratch, { recursive: true });
      expect(outcome.exitCode, outcome.stdout).toBe(1);
      await eventually(
        "a live session",
        async () => (await stack.sessions()).find(({ live }) => live),
        30_000,
      );
      expect(JSON.parse((await stack.ask("GET", "/health", `api.${host}`)).body)).toMatchObject({
        version: "5",
      });
      expect(judge(await stack.sessions()).most).toBe(1);
    });

    it("resumes after a lost connection without losing a command, and waits out a 429 (R-301)", async () => {
      const live = async () => (await stack.sessions()).find((session) => session.live);
      const before = (await live())?.resumes ?? 0;
      await stack.discord("close", { code: 4000 });
      const id = await stack.use("my-mileage");
      expect(await stack.replyTo(id)).toContain("This month:");
      expect((await live())?.resumes).toBe(before + 1);
      await stack.discord("faults", { rateLimit: { times: 1, retryAfter: 1 } });
      expect(await stack.replyTo(await stack.use("my-mileage"))).toContain("This month:");
      await eventually("heartbeats", async () => ((await live())?.heartbeats ?? 0) > 0 || undefined);
      expect(judge(await stack.sessions()).most).toBe(1);
    });

    it("20 s without the database during 100 writes: 100 rows, none doubled, no restart (R-166, R-289, R-297)", async () => {
      const db = await stack.replica("db");
      const restarts = (await stack.replica("backend")).restarts;
      await stack.write("warm-up-00", 1);
      let awayUntil = 0;
      const pending: Promise<unknown>[] = [];
      const statuses = new Map<number, number>();
      const pauseAt = 20;
      for (let index = 0; index < 100; index += 1) {
        if (index === pauseAt) {
          await run("docker", ["pause", db.id]);
          awayUntil = Date.now() + outageMs;
          pending.push(
            new Promise((resolve) => setTimeout(resolve, outageMs)).then(() =>
              run("docker", ["unpause", db.id]),
            ),
          );
        }
        const key = `outage-${String(index).padStart(3, "0")}`;
        if (index % 4 === 3) {
          const id = await stack.use("log-mileage", { distance: 1, note: key });
          pending.push(stack.replyTo(id));
        } else {
          const { status, body } = await stack.write(key, 1000 + index);
          expect([200, 201, 202], body).toContain(status);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          // Whoever missed the answer asks again.
          if (index % 10 === 0) await stack.write(key, 1000 + index);
        }
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      expect(awayUntil).toBeGreaterThan(0);
      await Promise.all(pending);
      const notes = await eventually("an empty queue and 100 rows", async () => {
        if (JSON.parse((await stack.ask("GET", "/api/queue")).body).waiting !== 0) return undefined;
        return (await stack.entryNotes()).filter((note) => note.startsWith("outage-"));
      });
      console.log(`mileage-bot: answers during the outage ${JSON.stringify(Object.fromEntries(statuses))}`);
      expect(statuses.get(202)).toBeGreaterThan(20);
      expect(notes.length).toBe(100);
      expect(new Set(notes).size).toBe(100);
      expect((await stack.replica("backend")).restarts).toBe(restarts);
    });

    it("what was acknowledged as queued survives kill -9 (R-297)", async () => {
      const [db, backend] = [await stack.replica("db"), await stack.replica("backend")];
      expect((await stack.ask("GET", "/api/me")).status).toBe(200);
      await run("docker", ["pause", db.id]);
      try {
        const answers = await Promise.all(
          ["crash-0001", "crash-0002", "crash-0003"].map((key) => stack.write(key, 500)),
        );
        expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
        const killed = run("docker", ["exec", "-u", "root", backend.id, "sh", "-c", "kill -9 -1"]);
        await killed.catch(() => undefined);
      } finally {
        await run("docker", ["unpause", db.id]);
      }
      const notes = await eventually("the three rows", async () => {
        const found = (await stack.entryNotes().catch(() => [])).filter((note) => note.startsWith("crash-"));
        return found.length >= 3 ? found : undefined;
      });
      expect([...notes].sort()).toEqual(["crash-0001", "crash-0002", "crash-0003"]);
      expect(judge(await stack.sessions()).most).toBe(1);
    });
  }),
);

describe("mileage-bot on process + embedded", () => {
  let stack: Stack;
  beforeAll(async () => {
    const platform = await Platform.start({ runtime: "process", edge: "embedded" });
    stack = new Stack(platform, await freePort(), ["compose.process.yaml"]);
  });
  afterAll(async () => {
    await stack?.platform.stop();
  });

  it("runs whole as plain processes, a real PostgreSQL included: v1, v2 under load, rollback (R-017)", async () => {
    await stack.deployed("1");
    await stack.signIn();
    const load = new Load(stack);
    try {
      await stack.deployed("2");
      await stack.platform.ok(["rollback", "--stack", "mileage-bot"]);
    } finally {
      await load.stop();
    }
    expect(load.failures).toEqual([]);
    expect(judge(await stack.sessions()).most).toBe(1);
    expect((await stack.write("process-01", 5000)).status).toBe(201);
    expect(await stack.replyTo(await stack.use("log-mileage", { distance: 3 }))).toBe(
      "Recorded 3 km (0.90 EUR).",
    );
  });

  it("says what is missing for the image with nginx (R-017)", async () => {
    const plain = new Stack(stack.platform, stack.discordPort, []);
    const outcome = await plain.deploy("3");
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout + outcome.stderr).toMatch(
      /an image built from nginx:alpine needs a container engine/,
    );
    expect((await stack.ask("GET", "/version.json")).status).toBe(200);
  });
});

/** A case in headless Chromium; without one it is skipped with that reason, in CI it fails. */
function withBrowser(name: string, body: (context: BrowserContext) => Promise<void>): void {
  if (!existsSync(chromiumPath) && process.env["CI"] === undefined) {
    it.skip(`${name}: needs Chromium at ${chromiumPath}`, () => undefined);
    return;
  }
  it(name, async () => {
    const flags =
      "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
    const browser: Browser = await chromium.launch({ executablePath: chromiumPath, args: flags.split(" ") });
    try {
      const context = await browser.newContext();
      context.setDefaultTimeout(30_000);
      await body(context);
    } finally {
      await browser.close();
    }
  });
}
