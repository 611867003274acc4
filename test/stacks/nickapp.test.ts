import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoadGenerator } from "../../bench/load-generator.ts";
import { Platform, root } from "../e2e/platform.ts";
import { whenAvailable } from "../e2e/when-available.ts";
import { dealAndDispute } from "./nickapp-journey.ts";
import {
  arbiter,
  connected,
  type Deal,
  eventually,
  host,
  mongoImage,
  Nickapp,
  passwordOf,
  png,
  refreshCookie,
} from "./nickapp-support.ts";

const compose = join(root, "stacks/nickapp/compose.yaml");

/** Without a MongoDB image there is nothing to test; in CI that is a failure. */
function whenMongo(suites: () => void): void {
  if (spawnSync("docker", ["image", "inspect", mongoImage]).status === 0) {
    suites();
    return;
  }
  describe("nickapp", () => {
    it.skipIf(process.env["CI"] !== "true")(`needs the image ${mongoImage}`, () => {
      throw new Error(`no image ${mongoImage}: run scripts/make-ferretdb-image.sh`);
    });
  });
}

whenAvailable({ runtime: "docker", edge: "haproxy" }, () => whenMongo(onDocker));

function onDocker(): void {
  describe("nickapp on docker + haproxy", () => {
    let app: Nickapp;
    beforeAll(async () => {
      app = await Nickapp.start();
      await app.deploy("1");
    });
    afterAll(async () => {
      await app?.stop();
    });

    it("R-028 R-163 routes /api and /socket.io to the backend and all else to the frontend", async () => {
      const health = await app.ask("/api/health");
      expect(JSON.parse(health.body)).toEqual({ status: "ok", version: "1", mongo: "up", redis: "up" });
      expect((await app.ask("/socket.io/?EIO=4&transport=polling")).body).toMatch(/^0\{"sid":/);
      const page = await app.ask("/");
      expect(page.headers["x-app-version"]).toBe("1");
      expect(page.body).toContain("nickapp");
      const asset = /\/_next\/static\/[^"]+\.js/.exec(page.body)?.[0] ?? "/missing";
      expect((await app.ask(asset)).status).toBe(200);
      expect((await app.ask("/robots.txt")).status).toBe(200);
      expect((await app.ask("/apiary")).headers["content-type"]).toContain("text/html");
    });

    it("R-315 names the browser's hosts in the Content-Security-Policy, and lets only scripts with a nonce run", async () => {
      const policy = String((await app.ask("/")).headers["content-security-policy"]);
      expect(policy).toMatch(/script-src 'self' 'nonce-[\w+/=]+' 'strict-dynamic'/);
      expect(policy).toMatch(/connect-src [^;]*alchemy\.com[^;]*wss:\/\/relay\.walletconnect\.com/);
      expect(policy).not.toBe(String((await app.ask("/")).headers["content-security-policy"]));
    });

    refreshSuite(() => app);
    uploadSuite(() => app);
    paymentSuite(() => app);
    chatSuite(() => app);
    deploySuite(() => app);
    outsideSuite(() => app);
    browserSuite(() => app);
    limitSuite(() => app);
  });
}

function refreshSuite(app: () => Nickapp): void {
  const refresh = (cookie: string) => app().ask("/api/auth/refresh", { method: "POST", headers: { cookie } });

  it("R-248 replaces a refresh token at each use; the use of an old one ends the whole family", async () => {
    const person = await app().register("Ada");
    const second = await refresh(person.cookie);
    const third = await refresh(refreshCookie(second));
    expect([second.status, third.status]).toEqual([200, 200]);
    expect((await app().ask("/api/deals", { token: person.token })).status).toBe(200);
    expect((await refresh(person.cookie)).status).toBe(401);
    expect((await refresh(refreshCookie(third))).status).toBe(401);
    expect((await app().ask("/api/deals", { token: person.token })).status).toBe(401);
  });

  it("R-248 gives two refreshes at once the same successor, and one family that lives on", async () => {
    const { cookie } = await app().register("Ada");
    const [one, other] = await Promise.all([refresh(cookie), refresh(cookie)]);
    expect([one.status, other.status]).toEqual([200, 200]);
    expect(refreshCookie(one)).toBe(refreshCookie(other));
    expect((await refresh(refreshCookie(one))).status).toBe(200);
  });
}

function uploadSuite(app: () => Nickapp): void {
  const upload = (path: string, token: string, body: Buffer, type = "image/png") =>
    app().ask(`/api/uploads/${path}`, { token, body, type });

  it("R-313 R-030 takes 10 MB and serves it from the edge; more is 413, another type 415", async () => {
    const { token } = await app().register("Ada");
    const most = 10 * 1024 * 1024;
    const avatar = await upload("avatars", token, png(most));
    expect(avatar.status).toBe(201);
    const { url } = JSON.parse(avatar.body) as { url: string };
    const served = await app().ask(url);
    expect(served.status).toBe(200);
    expect(served.headers["content-type"]).toBe("image/png");
    expect(served.headers["x-app-version"]).toBeUndefined();
    expect((await upload("avatars", token, png(most + 1024))).status).toBe(413);
    expect((await upload("avatars", token, Buffer.from("<script>alert(1)</script>"))).status).toBe(415);
    expect((await upload("avatars", token, png(), "image/gif")).status).toBe(415);
    expect((await app().ask("/uploads/..%2fprivate/")).status).toBeGreaterThanOrEqual(400);
  });

  it("R-313 shows evidence to the parties and who decides, and to nobody else", async () => {
    const deal = await app().makeDeal();
    await app().fund(deal);
    const path = `evidence?deal=${deal.id}`;
    expect((await upload(path, deal.buyer.token, png())).status).toBe(409);
    await app().take(`/api/deals/${deal.id}/dispute`, {
      token: deal.buyer.token,
      json: { reason: "It is bent" },
    });
    const { id } = JSON.parse((await upload(path, deal.buyer.token, png())).body) as { id: string };
    const file = `/api/files/${id}`;
    const stranger = await app().register("Mal");
    const judge = await app().login(arbiter.email, arbiter.password);
    const seen = async (token?: string) => (await app().ask(file, token ? { token } : {})).status;
    expect(await seen(deal.seller.token)).toBe(200);
    expect(await seen(judge.token)).toBe(200);
    expect(await seen(stranger.token)).toBe(403);
    expect(await seen()).toBe(403);
    expect((await upload(path, stranger.token, png())).status).toBe(403);
    const { url } = await app().take<{ url: string }>(`${file}/link`, { token: deal.seller.token });
    expect((await app().ask(url)).status).toBe(200);
    expect((await app().ask(url.replace(/until=(\d)/, "until=9$1"))).status).toBe(403);
  });
}

function paymentSuite(app: () => Nickapp): void {
  const events = async (deal: Deal) => (await app().stateOf(deal)).events.map(({ kind }) => kind);

  it("R-314 credits a transfer once, however often and in whatever order the gateway reports it", async () => {
    const deal = await app().makeDeal(30_00);
    await app().take(`/api/deals/${deal.id}/pay`, { method: "POST", token: deal.buyer.token });
    const pay = (body: object) =>
      app().control<{ txid: string; delivered: number | null }>("payments", "pay", {
        externalId: deal.id,
        ...body,
      });
    expect((await pay({ amount: "10.00", txid: "tx-a", badSignature: true })).delivered).toBe(401);
    expect(await app().stateOf(deal)).toMatchObject({ paidCents: 0, state: "awaiting-payment" });
    expect((await pay({ amount: "10.00", txid: "tx-a" })).delivered).toBe(202);
    expect((await pay({ amount: "10.00", txid: "tx-a" })).delivered).toBe(202);
    expect(await app().stateOf(deal)).toMatchObject({ paidCents: 10_00, state: "awaiting-payment" });
    expect((await pay({ amount: "20.00", txid: "tx-b" })).delivered).toBe(202);
    expect(await app().stateOf(deal)).toMatchObject({ paidCents: 30_00, state: "funded" });
    const callbacks = await app().control<{ n: number; body: string | { external_id: string } }[]>(
      "payments",
      "callbacks",
    );
    for (const { n } of callbacks.filter(({ body }) => JSON.stringify(body).includes(deal.id)))
      await app().control("payments", "replay", { callback: n });
    expect(await app().stateOf(deal)).toMatchObject({ paidCents: 30_00, state: "funded" });
    expect(await events(deal)).toEqual(["funded"]);
  });

  it("R-314 takes reports of one transfer at the same moment on two replicas as one", async () => {
    const deal = await app().makeDeal();
    await app().take(`/api/deals/${deal.id}/pay`, { method: "POST", token: deal.buyer.token });
    await Promise.all(
      Array.from({ length: 6 }, () =>
        app().control("payments", "pay", { externalId: deal.id, amount: "12.50", txid: "tx-same" }),
      ),
    );
    expect(await app().stateOf(deal)).toMatchObject({ paidCents: 12_50, state: "funded" });
    expect(await events(deal)).toEqual(["funded"]);
  });

  it("R-311 pays the seller once, although the buyer releases twenty times at once", async () => {
    const deal = await app().makeDeal();
    await app().fund(deal);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        app().ask(`/api/deals/${deal.id}/release`, { method: "POST", token: deal.buyer.token }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(409)]);
    const { balanceCents } = await app().take<{ balanceCents: number }>("/api/deals", {
      token: deal.seller.token,
    });
    expect(balanceCents).toBe(12_50);
  });
}

type Heard = { _id: string; body: string };

function chatSuite(app: () => Nickapp): void {
  it("R-312 refuses a socket without a token", async () => {
    const socket = app().connect("nonsense", ["websocket"]);
    await expect(connected(socket)).rejects.toThrow("UNAUTHORIZED");
    socket.close();
  });

  it("R-312 R-230 brings messages from one to the other, by polling and by WebSocket, over both replicas", async () => {
    const deal = await app().makeDeal();
    // Each client is bound to a replica by its cookie; eight of them meet on both.
    const clients = Array.from({ length: 8 }, (_, index) =>
      app().connect(index % 2 ? deal.seller.token : deal.buyer.token, [
        index % 4 < 2 ? "polling" : "websocket",
      ]),
    );
    try {
      await Promise.all(clients.map(connected));
      const heard = clients.map((socket) => {
        const bodies: string[] = [];
        socket.on("message", ({ body }: Heard) => bodies.push(body));
        return bodies;
      });
      await Promise.all(clients.map((socket) => socket.emitWithAck("join", { deal: deal.id })));
      for (const [index, socket] of clients.entries())
        await socket.emitWithAck("message", {
          deal: deal.id,
          id: `from-client-${index}`,
          body: `from ${index}`,
        });
      const all = clients.map((_, index) => `from ${index}`);
      await eventually(
        async () => heard.map((bodies) => [...bodies].sort()),
        (bodies) => bodies.every((one) => one.length === all.length),
      );
      for (const bodies of heard) expect([...bodies].sort()).toEqual(all);
    } finally {
      for (const socket of clients) socket.close();
    }
  });
}

/** Sends one message after the other and notes what was acknowledged; listens as a page would: live, and what a new join gives. */
class Talker {
  readonly acknowledged: string[] = [];
  readonly heard = new Set<string>();
  readonly gapsMs: number[] = [];
  #lostAt: number | undefined;
  #stopping = false;
  readonly #done: Promise<void>;
  readonly #socket: Socket;

  constructor(socket: Socket, deal: string, name: string) {
    this.#socket = socket;
    const hear = (message: Heard) => this.heard.add(message._id);
    socket.on("message", hear);
    socket.on("connect", () => {
      if (this.#lostAt !== undefined) this.gapsMs.push(Date.now() - this.#lostAt);
      this.#lostAt = undefined;
      socket.emit("join", { deal }, (_error: unknown, joined?: { messages?: Heard[] }) =>
        joined?.messages?.forEach(hear),
      );
    });
    socket.on("disconnect", (reason) => {
      this.#lostAt = Date.now();
      if (reason === "io server disconnect") socket.connect();
    });
    this.#done = this.#talk(deal, name);
    // Told by finish(); until then it must not end the process.
    this.#done.catch(() => undefined);
  }

  /** The next message goes out when the one before is acknowledged, as fast as the server takes them, four a second at most. */
  async #talk(deal: string, name: string): Promise<void> {
    for (let count = 0; !this.#stopping; count += 1) {
      const id = `${name}-message-${count}`;
      const answer: { ok: boolean; message: Heard } = await this.#socket.emitWithAck("message", {
        deal,
        id,
        body: id,
      });
      if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer)}`);
      this.acknowledged.push(answer.message._id);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** Sends no more, and resolves when the last message is acknowledged. */
  finish(): Promise<void> {
    this.#stopping = true;
    return this.#done;
  }

  close(): void {
    this.#socket.close();
  }
}

function print(line: string): void {
  process.stdout.write(`nickapp: ${line}\n`);
}

function deploySuite(app: () => Nickapp): void {
  it("fails no request and loses no acknowledged message from version 1 to 2 and back (R-312)", async () => {
    const deal = await app().makeDeal();
    const load = new LoadGenerator({
      host: "127.0.0.1",
      port: app().platform.http,
      requests: ["/", "/api/requests", "/api/health"].map((path) => ({ host, path })),
      connections: 6,
      rate: 40,
      timeoutMs: 30_000,
    }).start();
    const talkers = [
      new Talker(app().connect(deal.buyer.token, ["websocket"]), deal.id, "websocket"),
      new Talker(app().connect(deal.seller.token, ["polling"]), deal.id, "polling"),
    ];
    try {
      await updateAndReturn(app());
      await Promise.all(talkers.map((talker) => talker.finish()));
      const report = await load.stop();
      print(
        `v1 → v2 → v1: ${report.requests} requests, ${report.failed} failed, p99 ${report.p99Ms.toFixed(0)} ms`,
      );
      expect(report.requests).toBeGreaterThan(200);
      expect(report, JSON.stringify(report)).toMatchObject({ failed: 0 });
      await nothingLost(app(), deal, talkers);
    } finally {
      for (const talker of talkers) talker.close();
      await load.stop();
    }
  }, 600_000);
}

async function updateAndReturn(app: Nickapp): Promise<void> {
  const version = async () => JSON.parse((await app.ask("/api/health")).body).version as string;
  await app.deploy("2");
  expect(await version()).toBe("2");
  expect((await app.ask("/")).headers["x-app-version"]).toBe("2");
  await app.platform.ok(["rollback", "--stack", "nickapp"]);
  expect(await version()).toBe("1");
}

async function nothingLost(app: Nickapp, deal: Deal, talkers: readonly Talker[]): Promise<void> {
  const stored = await storedMessages(app, deal);
  const acknowledged = talkers.flatMap((talker) => talker.acknowledged);
  const gaps = talkers.map(({ gapsMs }) => gapsMs.join(", ")).join(" | ");
  print(`${acknowledged.length} messages acknowledged, reconnected after ${gaps} ms`);
  expect(acknowledged.length).toBeGreaterThan(20);
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  for (const talker of talkers) {
    await eventually(
      async () => acknowledged.filter((id) => !talker.heard.has(id)),
      (missed) => missed.length === 0,
    );
    // The drain time is 10 s: each connection came back within it.
    expect(talker.gapsMs.length).toBeGreaterThan(0);
    expect(Math.max(...talker.gapsMs)).toBeLessThan(10_000);
  }
}

async function storedMessages(app: Nickapp, deal: Deal): Promise<Set<string>> {
  const ids = new Set<string>();
  let since = new Date(0).toISOString();
  for (let page = 0; page < 50; page += 1) {
    const { messages } = await app.take<{ messages: (Heard & { sentAt: string })[] }>(
      `/api/deals/${deal.id}/messages?since=${encodeURIComponent(since)}`,
      { token: deal.buyer.token },
    );
    const before = ids.size;
    for (const message of messages) ids.add(message._id);
    if (ids.size === before) return ids;
    since = messages.at(-1)?.sentAt ?? since;
  }
  throw new Error("more messages than expected");
}

function outsideSuite(app: () => Nickapp): void {
  it("R-315 goes on without payments, mail, the writing helper and error reports: each costs its own feature only", async () => {
    const deal = await app().makeDeal();
    const { token } = deal.buyer;
    const describeIt = () => app().ask("/api/assist/describe", { token, json: { title: "A sextant" } });
    expect(JSON.parse((await describeIt()).body)).toEqual({ text: "You said: A sextant" });
    await app().control("openai", "faults", { down: true });
    expect((await describeIt()).status).toBe(503);
    await app().control("openai", "faults", { down: false });

    const pay = () => app().ask(`/api/deals/${deal.id}/pay`, { method: "POST", token });
    await app().control("payments", "faults", { down: true });
    expect((await pay()).status).toBe(503);
    await app().control("payments", "faults", { down: false });
    expect((await pay()).status).toBe(201);

    await app().control("errors", "faults", { down: true });
    await app().control("mail", "faults", { down: true });
    await app().fund(deal);
    await eventually(
      () => app().stateOf(deal),
      ({ state }) => state === "funded",
    );
    await app().control("mail", "faults", { down: false });
    await app().control("errors", "faults", { down: false });
    await app().take(`/api/deals/${deal.id}/release`, { method: "POST", token });
    const mails = await eventually(
      () =>
        app().control<{ text: string; tls: boolean; user: string }[]>(
          "mail",
          `messages?to=${deal.seller.email}`,
        ),
      (all) => all.some(({ text }) => text.includes("released")),
    );
    expect(mails.every(({ tls, user }) => Boolean(tls) && user === "stand-in")).toBe(true);
  });

  it("R-238 passes error reports of the page on, to the configured project only", async () => {
    const id = "0123456789abcdef0123456789abcdef";
    const envelope = [
      JSON.stringify({ event_id: id, dsn: "http://someone@elsewhere.example/9" }),
      JSON.stringify({ type: "event" }),
      JSON.stringify({ event_id: id, message: "from the page", release: "nickapp-frontend@1" }),
    ].join("\n");
    const answer = await app().ask("/api/error-reports", { body: Buffer.from(envelope), type: "text/plain" });
    expect(answer.status).toBe(200);
    const events = await app().control<{ eventId: string; message: string }[]>("errors", "events");
    expect(events.find(({ eventId }) => eventId === id)?.message).toBe("from the page");
  });

  it("R-243 refuses a sign-in with Google that another browser began", async () => {
    const begun = await app().ask("/api/auth/google");
    expect(begun.status).toBe(302);
    const to = new URL(String(begun.headers.location));
    expect(to.searchParams.get("code_challenge_method")).toBe("S256");
    const state = to.searchParams.get("state") ?? "";
    const callback = `/api/auth/google/callback?code=x&state=${state}`;
    expect((await app().ask(callback)).status).toBe(400);
    const headers = { cookie: "nickapp_sign_in=another" };
    expect((await app().ask(callback, { headers })).status).toBe(400);
  });

  it("R-140 loses sessions but no data when Redis is emptied", async () => {
    const deal = await app().makeDeal();
    await app().fund(deal);
    await app().platform.ok(["exec", "--stack", "nickapp", "redis", "redis-cli", "FLUSHALL"]);
    expect((await app().ask("/api/deals", { token: deal.buyer.token })).status).toBe(401);
    const refreshed = await app().ask("/api/auth/refresh", {
      method: "POST",
      headers: { cookie: deal.buyer.cookie },
    });
    expect(refreshed.status).toBe(401);
    const again = await app().login(deal.buyer.email, passwordOf("Bea"));
    const view = await app().take<{ state: string }>(`/api/deals/${deal.id}`, { token: again.token });
    expect(view.state).toBe("funded");
  });
}

function limitSuite(app: () => Nickapp): void {
  it("R-284 R-310 limits sign-ins for each account over both replicas, and says when to try again", async () => {
    const { email } = await app().register("Ada");
    const answers = await Promise.all(
      Array.from({ length: 14 }, () =>
        app().ask("/api/auth/login", { json: { email, password: "wrong-password" } }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(4);
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers["retry-after"])).toBeGreaterThan(0);
    expect(refused?.headers["ratelimit-remaining"]).toBe("0");
  });

  it("R-284 limits each client address at the edge", async () => {
    // The folder of files has the smallest allowance in this test: 20 at once, then 2 a second.
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => app().ask("/uploads/avatars/nobody.png")),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404, 429]));
    expect(Number(refused[0]?.headers["retry-after"])).toBeGreaterThan(0);
  });
}

function browserSuite(app: () => Nickapp): void {
  const executablePath = "/usr/bin/chromium";
  const present = spawnSync(executablePath, ["--version"]).status === 0;
  const test = present || process.env["CI"] === "true" ? it : it.skip;
  test(`R-311 a deal and a dispute between two browsers${present ? "" : " (needs Chromium)"}`, async () => {
    const browser = await chromium.launch({
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    try {
      await dealAndDispute(app(), browser);
    } finally {
      await browser.close();
    }
  });
}

describe("nickapp before anything starts", () => {
  it("R-281 R-100 refuses at once without its secrets, and names them all", async () => {
    const { env } = process;
    const bare = { PATH: env["PATH"] ?? "", HOME: env["HOME"] ?? "" };
    const began = Date.now();
    const outcome = spawnSync(process.execPath, [join(root, "bin/cli.ts"), "check", "-f", compose], {
      env: bare,
      encoding: "utf8",
      timeout: 60_000,
    });
    expect(outcome.status).toBe(1);
    expect(Date.now() - began).toBeLessThan(30_000);
    for (const name of ["REDIS_PASSWORD", "JWT_SECRET", "REFRESH_TOKEN_SECRET", "MONGO_PASSWORD"])
      expect(outcome.stderr + outcome.stdout).toContain(`\`${name}\` is not set`);
  });

  it("says on the process runtime that MongoDB needs a container engine, and starts nothing", async () => {
    const platform = await Platform.start({ runtime: "process", edge: "embedded" });
    try {
      const secrets = Object.fromEntries(
        [
          "JWT_SECRET",
          "REFRESH_TOKEN_SECRET",
          "MONGO_PASSWORD",
          "REDIS_PASSWORD",
          "ARBITER_PASSWORD",
          "SHKEEPER_API_KEY",
          "SHKEEPER_WEBHOOK_SECRET",
          "SMTP_PASS",
          "OPENAI_API_KEY",
          "GOOGLE_CLIENT_SECRET",
        ].map((name) => [name, "long-enough-for-a-test"]),
      );
      const outcome = await platform.cli(["deploy", "-f", compose, "mongodb"], {
        ...secrets,
        MONGO_IMAGE: "mongo:8.0",
      });
      expect(outcome.exitCode).toBe(1);
      expect(outcome.stderr + outcome.stdout).toContain("image mongo:8.0 needs a container engine");
    } finally {
      await platform.stop();
    }
  });
});
