import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import type { ProbeOutcome, ProbeTarget } from "../../port.ts";
import { withPostgres } from "./postgres-client.ts";
import { RedisSession } from "./redis-session.ts";
import { openSocket, openTls } from "./socket.ts";

type Found = Pick<ProbeOutcome, "certificateEnds" | "reason">;
export type Asked = { target: ProbeTarget; ca: string | undefined; timeoutMs: number };
type Ask = (asked: Asked, signal: AbortSignal) => Promise<Found>;

/** One question per protocol. Throws, or answers a `reason`, when the server is not as it should be. */
export const asks: Readonly<Record<ProbeTarget["kind"], Ask>> = {
  http: askHttp,
  async tcp({ target }, signal) {
    (await openSocket(target, signal)).destroy();
    return {};
  },
  tls: askTls,
  postgres: askPostgres,
  redis: askRedis,
  smtp: askSmtp,
  websocket: askWebSocket,
};

function askHttp({ target, ca }: Asked, signal: AbortSignal): Promise<Found> {
  const { host, port, path, status, user, password } = target;
  const auth = user === undefined ? {} : { auth: `${user}:${password ?? ""}` };
  const options = { host, port, path, agent: false, signal, ...auth };
  const headers = { "user-agent": "roadstead-probe" };
  return new Promise((resolve, reject) => {
    const call = target.tls
      ? requestTls({ ...options, headers, ...(ca === undefined ? {} : { ca }) })
      : requestPlain({ ...options, headers });
    call.on("error", reject);
    call.on("response", (response) => {
      const answered = response.statusCode ?? 0;
      // Nobody reads the rest.
      response.destroy();
      const ok = status === undefined ? answered < 500 : answered === status;
      resolve(ok ? {} : { reason: `answered ${answered}${status === undefined ? "" : `, not ${status}`}` });
    });
    call.end();
  });
}

async function askTls({ target, ca }: Asked, signal: AbortSignal): Promise<Found> {
  const socket = await openTls(target, { ca, verify: false }, signal);
  const ends = Date.parse(socket.getPeerCertificate().valid_to);
  const wrong = socket.authorized ? undefined : String(socket.authorizationError);
  socket.destroy();
  return {
    ...(Number.isFinite(ends) ? { certificateEnds: ends } : {}),
    ...(wrong === undefined ? {} : { reason: `the certificate is not valid: ${wrong}` }),
  };
}

async function askPostgres({ target, ca }: Asked, signal: AbortSignal): Promise<Found> {
  const [database = ""] = target.path.slice(1).split("?");
  const place = { ...target, ca, ...(database === "" ? {} : { database: decodeURIComponent(database) }) };
  try {
    await withPostgres(place, (client) => client.query("select 1"), signal);
    return {};
  } catch (error) {
    // Who has no password can't sign in; that it is asked for shows that the server takes sessions.
    if (target.password === undefined && wantsPassword(error)) return {};
    throw error;
  }
}

function wantsPassword(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return code === "28P01" || code === "28000" || /client password must be/.test(error.message);
}

async function askRedis({ target, ca }: Asked, signal: AbortSignal): Promise<Found> {
  const session = await RedisSession.open({ ...target, ca }, signal);
  try {
    const answer = await session.ask(["PING"]);
    return answer === "PONG" ? {} : { reason: "PING was not answered with PONG" };
  } finally {
    session.close();
  }
}

/** Greeting, EHLO, and STARTTLS where the server offers it; a password is tried where there is one. */
async function askSmtp({ target, ca, timeoutMs }: Asked, signal: AbortSignal): Promise<Found> {
  const { createTransport } = await import("nodemailer");
  signal.throwIfAborted();
  const { host, port, user, password } = target;
  const transport = createTransport({
    ...{ host, port, secure: target.tls, name: "roadstead.invalid" },
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ disableFileAccess: true, disableUrlAccess: true },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? "" } }),
    ...(ca === undefined ? {} : { tls: { ca } }),
  });
  const ended = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    await Promise.race([transport.verify(), ended]);
    return {};
  } finally {
    transport.close();
  }
}

async function askWebSocket({ target, ca, timeoutMs }: Asked, signal: AbortSignal): Promise<Found> {
  const { WebSocket } = await import("ws");
  signal.throwIfAborted();
  const { host, port, path } = target;
  const written = host.includes(":") ? `[${host}]` : host;
  const socket = new WebSocket(`${target.tls ? "wss" : "ws"}://${written}:${port}${path}`, {
    handshakeTimeout: timeoutMs,
    followRedirects: false,
    ...(ca === undefined ? {} : { ca }),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("open", () => resolve());
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return {};
  } finally {
    socket.terminate();
  }
}
