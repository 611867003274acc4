import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io, type Socket } from "socket.io-client";
import { freePort, Platform, root } from "../e2e/platform.ts";

export const host = "nickapp.localhost";
export const mongoImage = process.env["MONGO_IMAGE"] ?? "roadstead-test/mongo:8.0-ferretdb";
const stackFiles = ["compose.yaml", "compose.stand-ins.yaml"].flatMap((file) => [
  "-f",
  join(root, "stacks/nickapp", file),
]);
export const arbiter = { email: "arbiter@nickapp.localhost", password: "arbiter-demo-password" };

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string };
export type Ask = {
  method?: string;
  json?: unknown;
  body?: Buffer;
  type?: string;
  token?: string;
  headers?: Record<string, string>;
};
export type Person = { id: string; token: string; cookie: string; email: string };
export type Deal = { id: string; buyer: Person; seller: Person };
type StandIn = "payments" | "mail" | "openai" | "errors" | "identity";

/** The marketplace as deployed by the product, with its stand-ins on ports of their own. */
export class Nickapp {
  readonly platform: Platform;
  readonly env: Record<string, string>;
  readonly #ports: Record<StandIn, number>;
  readonly #uploads: string;

  private constructor(platform: Platform, ports: Record<StandIn, number>, uploads: string) {
    this.platform = platform;
    this.#ports = ports;
    this.#uploads = uploads;
    this.env = {
      JWT_SECRET: randomBytes(24).toString("hex"),
      REFRESH_TOKEN_SECRET: randomBytes(24).toString("hex"),
      MONGO_PASSWORD: randomBytes(12).toString("hex"),
      REDIS_PASSWORD: randomBytes(12).toString("hex"),
      MONGO_IMAGE: mongoImage,
      NICKAPP_UPLOADS: uploads,
      NICKAPP_PUBLIC_URL: `http://${host}:${platform.http}`,
      NICKAPP_EDGE_RATE: "200",
      NICKAPP_FILES_RATE: "2",
      NICKAPP_FILES_BURST: "20",
      NICKAPP_RATE_PER_MINUTE: "100000",
      ARBITER_EMAIL: arbiter.email,
      ARBITER_PASSWORD: arbiter.password,
      PAYMENTS_STAND_IN_PORT: String(ports.payments),
      MAIL_STAND_IN_PORT: String(ports.mail),
      OPENAI_STAND_IN_PORT: String(ports.openai),
      ERRORS_STAND_IN_PORT: String(ports.errors),
      IDENTITY_STAND_IN_PORT: String(ports.identity),
    };
  }

  static async start(): Promise<Nickapp> {
    const platform = await Platform.start({ runtime: "docker", edge: "haproxy" });
    const ports = {
      payments: await freePort(),
      mail: await freePort(),
      openai: await freePort(),
      errors: await freePort(),
      identity: await freePort(),
    };
    return new Nickapp(platform, ports, mkdtempSync(join(tmpdir(), "nickapp-uploads-")));
  }

  async stop(): Promise<void> {
    await this.platform.stop();
    rmSync(this.#uploads, { recursive: true, force: true });
  }

  async deploy(version: string): Promise<void> {
    await this.platform.ok(["deploy", ...stackFiles], { ...this.env, NICKAPP_VERSION: version });
  }

  /** One request through the edge. */
  ask(path: string, { method, json, body, type, token, headers = {} }: Ask = {}): Promise<Answer> {
    const payload = body ?? (json === undefined ? undefined : Buffer.from(JSON.stringify(json)));
    return new Promise((resolve, reject) => {
      const sent = httpRequest({
        host: "127.0.0.1",
        port: this.platform.http,
        path,
        method: method ?? (payload ? "POST" : "GET"),
        timeout: 30_000,
        headers: {
          host,
          ...(payload
            ? { "content-type": type ?? "application/json", "content-length": payload.length }
            : {}),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          // A refusal comes before the body then, and is not lost with a connection that is closed while it is written.
          ...(payload && payload.length > 100_000 ? { expect: "100-continue" } : {}),
          ...headers,
        },
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer from ${path} within 30 s`)));
      sent.on("error", reject);
      sent.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      });
      if (sent.hasHeader("expect")) sent.once("continue", () => sent.end(payload)).flushHeaders();
      else sent.end(payload);
    });
  }

  /** A request that must succeed. */
  async take<T>(path: string, ask: Ask = {}): Promise<T> {
    const answer = await this.ask(path, ask);
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
    return (answer.body === "" ? undefined : JSON.parse(answer.body)) as T;
  }

  async register(name: string): Promise<Person> {
    const email = `${name.toLowerCase()}-${randomUUID().slice(0, 8)}@example.com`;
    return this.#signedIn(
      await this.ask("/api/auth/register", { json: { email, name, password: passwordOf(name) } }),
      email,
    );
  }

  async login(email: string, password: string): Promise<Person> {
    return this.#signedIn(await this.ask("/api/auth/login", { json: { email, password } }), email);
  }

  #signedIn(answer: Answer, email: string): Person {
    if (answer.status >= 300) throw new Error(`not signed in: ${answer.status} ${answer.body}`);
    const { accessToken, user } = JSON.parse(answer.body) as { accessToken: string; user: { id: string } };
    return { id: user.id, token: accessToken, cookie: refreshCookie(answer), email };
  }

  async makeDeal(cents = 12_50): Promise<Deal> {
    const buyer = await this.register("Bea");
    const seller = await this.register("Sam");
    const request = await this.take<{ _id: string }>("/api/requests", {
      token: buyer.token,
      json: { title: "A brass sextant", budgetCents: 20_00 },
    });
    const offer = await this.take<{ _id: string }>(`/api/requests/${request._id}/offers`, {
      token: seller.token,
      json: { cents },
    });
    await this.take(`/api/offers/${offer._id}/accept`, { method: "POST", token: buyer.token });
    return { id: request._id, buyer, seller };
  }

  async fund(deal: Deal, amount = "12.50"): Promise<void> {
    await this.take(`/api/deals/${deal.id}/pay`, { method: "POST", token: deal.buyer.token });
    await this.control("payments", "pay", { externalId: deal.id, amount });
  }

  stateOf(deal: Deal): Promise<{ state: string; paidCents: number; events: { kind: string }[] }> {
    return this.take(`/api/deals/${deal.id}`, { token: deal.buyer.token });
  }

  /** The control interface of a stand-in. */
  async control<T>(standIn: StandIn, what: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#ports[standIn]}/_stand-in/${what}`, {
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined
        ? {}
        : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${standIn} ${what}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** A Socket.IO client as a browser would be: cookies kept, messages sent until acknowledged. */
  connect(token: string, transports: ("polling" | "websocket")[]): Socket {
    return io(`http://${host}:${this.platform.http}`, {
      // Names below .localhost are loopback by definition, but not every resolver knows it.
      // Typed for browsers as a name; in Node.js it is an agent.
      agent: loopback as unknown as string,
      withCredentials: true,
      transports,
      auth: { token },
      retries: 50,
      ackTimeout: 3_000,
      reconnectionDelay: 100,
      reconnectionDelayMax: 1_000,
      forceNew: true,
    });
  }
}

const loopback = new Agent({
  lookup: (_name, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
});

export const passwordOf = (name: string) => `${name}-password-1`;

export function refreshCookie(answer: Answer): string {
  const cookie = (answer.headers["set-cookie"] ?? []).find((text) => text.startsWith("nickapp_refresh="));
  return cookie?.split(";")[0] ?? "";
}

export function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
}

/** The smallest PNG, and after it as many bytes as wanted: the type is told by the head. */
export function png(bytes = 70): Buffer {
  const head = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  );
  return Buffer.concat([head, Buffer.alloc(Math.max(0, bytes - head.length))]);
}

export async function eventually<T>(
  look: () => Promise<T>,
  isRight: (value: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await look();
    if (isRight(value)) return value;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms; the last was ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
