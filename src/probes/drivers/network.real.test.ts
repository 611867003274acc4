import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { type DependencySettings, dependencyProbe } from "../../stack/x-roadstead-dependencies.ts";
import { proberConformance } from "../conformance.ts";
import type { ProbeTarget } from "../port.ts";
import { makeTestCertificate, Servers } from "../server-support.ts";
import { withPostgres } from "./network/postgres-client.ts";
import { NetworkProber } from "./network.ts";

const signal = AbortSignal.timeout(110_000);
const hush = "h%ush; a $ecret";
const certificate = makeTestCertificate();
const trusting = new NetworkProber({ ca: certificate.cert });
const closing: (() => void)[] = [];
const databases = await Servers.open();
let ports: Record<"http" | "https" | "silent" | "dead" | "smtp" | "smtps" | "ws", number>;
let postgres = { host: "", port: 0 };
let redis = { host: "", port: 0 };

function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function mailServer(secure: boolean): Server {
  const mail = new SMTPServer({ secure, ...certificate, authOptional: true, logger: false });
  mail.on("error", () => undefined);
  return mail.server as Server;
}

beforeAll(async () => {
  const answering: RequestListener = (request, response) => {
    response.writeHead(Number(request.url?.slice(1)) || 200).end("x".repeat(100_000));
  };
  const web = createHttp((_request, response) => response.writeHead(404).end());
  new WebSocketServer({ server: web, path: "/ws" });
  const gone = createServer();
  const dead = await listen(gone);
  await new Promise<void>((resolve) => gone.close(() => resolve()));
  ports = {
    dead,
    http: await listen(createHttp(answering)),
    https: await listen(createHttps(certificate, answering)),
    silent: await listen(createServer()),
    smtp: await listen(mailServer(false)),
    smtps: await listen(mailServer(true)),
    ws: await listen(web),
  };
  const environment = { POSTGRES_USER: "shop", POSTGRES_PASSWORD: hush, POSTGRES_DB: "orders" };
  const ready = "pg_isready -U shop || exit 1";
  postgres = await databases.start("db", { image: "postgres:16" }, { environment, ready });
  const command = ["redis-server", "--requirepass", hush];
  redis = await databases.start("cache", { image: "redis:7", command }, { ready: "redis-cli ping" });
});
afterAll(async () => {
  for (const close of closing) close();
  await databases.close();
});

function target(written: Omit<DependencySettings, "name">): ProbeTarget {
  const found = dependencyProbe({ name: "it", ...written });
  if (!found) throw new Error("no address");
  return found.target;
}

const ask = (written: Omit<DependencySettings, "name">, prober = trusting) =>
  prober.probe(target(written), 5000, signal);

proberConformance("network", {
  prober: () => trusting,
  good: () => target({ tcp: `127.0.0.1:${ports.http}` }),
  dead: () => target({ tcp: `127.0.0.1:${ports.dead}` }),
  silent: () => target({ http: `http://127.0.0.1:${ports.silent}/` }),
});

describe("real servers (R-186, R-187)", () => {
  it("http: below 500 counts, or the one answer that is asked for", async () => {
    const at = (path: string) => ({ http: `http://127.0.0.1:${ports.http}${path}` });
    expect(await ask(at("/"))).toMatchObject({ ok: true });
    expect(await ask(at("/404"))).toMatchObject({ ok: true });
    expect(await ask(at("/503"))).toMatchObject({ ok: false, reason: "answered 503" });
    expect(await ask({ ...at("/404"), status: 200 })).toMatchObject({
      ok: false,
      reason: "answered 404, not 200",
    });
  });

  it("https: a certificate that nobody vouches for is a failure", async () => {
    const written = { http: `https://127.0.0.1:${ports.https}/` };
    expect(await ask(written)).toMatchObject({ ok: true });
    expect(await ask(written, new NetworkProber())).toMatchObject({
      ok: false,
      reason: expect.stringContaining("self-signed"),
    });
  });

  it("tls: when the certificate ends is told, valid or not", async () => {
    const written = { tls: `127.0.0.1:${ports.https}` };
    const valid = await ask(written);
    expect(valid).toMatchObject({ ok: true });
    const days = ((valid.certificateEnds ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(1.9);
    expect(days).toBeLessThan(2.1);
    expect(await ask(written, new NetworkProber())).toMatchObject({
      ok: false,
      certificateEnds: valid.certificateEnds,
      reason: "the certificate is not valid: DEPTH_ZERO_SELF_SIGNED_CERT",
    });
  });

  it("postgres: signs in and asks; without a password a demand for one is enough", async () => {
    const written = { postgres: `postgres://shop@${postgres.host}:${postgres.port}/orders` };
    expect(await ask({ ...written, password: hush })).toMatchObject({ ok: true });
    expect(await ask(written)).toMatchObject({ ok: true });
    const wrong = await ask({ ...written, password: "other-secret" });
    expect(wrong).toMatchObject({ ok: false, reason: expect.stringMatching(/^auth failed/) });
    expect(wrong.reason).not.toContain("other-secret");
  });

  it("redis: the right password gives PONG, the wrong one `auth failed` (R-161)", async () => {
    const written = { redis: `${redis.host}:${redis.port}` };
    expect(await ask({ ...written, password: hush })).toMatchObject({ ok: true });
    const wrong = await ask({ ...written, password: "other-secret" });
    expect(wrong).toMatchObject({ ok: false, reason: expect.stringMatching(/^auth failed/) });
    expect(wrong.reason).not.toContain("other-secret");
    expect(await ask(written)).toMatchObject({ ok: false, reason: expect.stringMatching(/^auth failed/) });
  });

  it("smtp: EHLO and STARTTLS, whose certificate has to be valid", async () => {
    const written = { smtp: `127.0.0.1:${ports.smtp}` };
    expect(await ask(written)).toMatchObject({ ok: true });
    expect(await ask(written, new NetworkProber())).toMatchObject({
      ok: false,
      reason: expect.stringContaining("self-signed"),
    });
    expect(await ask({ smtp: `smtps://127.0.0.1:${ports.smtps}` })).toMatchObject({ ok: true });
    const silent = await trusting.probe(target({ smtp: `127.0.0.1:${ports.silent}` }), 200, signal);
    expect(silent).toMatchObject({ ok: false, reason: "no answer within 200 ms" });
  });

  it("websocket: the upgrade has to be taken", async () => {
    const at = (path: string) => ({ websocket: `ws://127.0.0.1:${ports.ws}${path}` });
    expect(await ask(at("/ws"))).toMatchObject({ ok: true });
    expect(await ask(at("/other"))).toMatchObject({ ok: false, reason: expect.stringContaining("400") });
  });

  it("takes nothing from this process's own variables", async () => {
    process.env["PGPASSWORD"] = hush;
    try {
      const place = { ...postgres, user: "shop", database: "orders", tls: false };
      const session = withPostgres(place, (client) => client.query("select 1"), signal);
      await expect(session).rejects.toThrow(/password must be/);
    } finally {
      delete process.env["PGPASSWORD"];
    }
  });
});
