import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { messageOf } from "../lib/platform-error.ts";
import { type ReplicaId, type Scope, scopeKey } from "../rollout/ids.ts";
import { audited } from "./audited.ts";
import { authorize } from "./auth/access.ts";
import type { Guard } from "./auth/guard.ts";
import { apiPrefix } from "./contract/endpoint.ts";
import { decodeExecFrame, encodeExecFrame, execRequestSchema } from "./contract/exec-frames.ts";
import { operateEndpoints } from "./contract/operate.ts";
import { errorAnswer } from "./error-answer.ts";
import { apiError } from "./errors.ts";
import { findReplica } from "./find-replica.ts";
import { parseInput, parseJsonBody } from "./input.ts";
import { InputQueue } from "./input-queue.ts";
import { MaskStream } from "./mask-stream.ts";
import type { ApiParts } from "./parts.ts";

const frameLimitBytes = 1024 * 1024;
const requestWithinMs = 10_000;
const sessionLimit = 50;
const recheckMs = 30_000;
/** A client that does not answer the close handshake may not keep the server from closing. */
const closeWithinMs = 2000;
/** The runtime can't be told to wait, so a client this far behind is let go. */
const outputLimitBytes = 64 * 1024 * 1024;

type Security = { guard: Guard; closing: AbortSignal };

/** The exec WebSocket on the API's own port: same token, same host and origin rules, one audit entry a session. */
export function serveExec(server: Server, parts: ApiParts, security: Security): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: frameLimitBytes, clientTracking: true });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const requestId = parts.ids.next("req");
    socket.on("error", () => socket.destroy());
    try {
      const caller = { headers: request.headers, address: request.socket.remoteAddress ?? "" };
      security.guard.checkOrigin(caller);
      const scope = scopeOf(request.url ?? "");
      const admit = () => {
        const identity = security.guard.authenticate(caller, "upgrade");
        authorize(parts, identity, { endpoint: operateEndpoints.exec, params: scope });
        return identity;
      };
      const identity = admit();
      if (security.closing.aborted) throw apiError("API_CLOSING", "the control plane is closing");
      if (sockets.clients.size >= sessionLimit)
        throw apiError("API_TOO_MANY_STREAMS", `${sessionLimit} exec sessions are open already`);
      sockets.handleUpgrade(request, socket, head, (websocket) => {
        void runSession(websocket, parts, {
          scope,
          actor: identity.name,
          admit,
          from: caller.address,
          requestId,
          closing: security.closing,
        });
      });
    } catch (error) {
      refuse(socket, error, requestId);
    }
  });
}

function scopeOf(url: string): Scope {
  const pattern = operateEndpoints.exec.path.replace(/:\w+/g, "([^/]+)");
  const match = new RegExp(`^${apiPrefix}${pattern}$`).exec(url.split("?")[0] ?? "");
  if (!match) throw apiError("API_NOT_FOUND", "there is no WebSocket at this path");
  const [stack, environment] = match.slice(1).map(decodeSegment);
  return parseInput(operateEndpoints.exec, { params: { stack, environment }, query: {}, body: undefined })
    .params as Scope;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw apiError("API_NOT_FOUND", "the path is not valid");
  }
}

function refuse(socket: Duplex, error: unknown, requestId: string): void {
  const { status, body } = errorAnswer(error, requestId);
  const text = JSON.stringify({ error: body });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\nx-request-id: ${requestId}\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}

type Session = {
  scope: Scope;
  actor: string;
  admit: () => void;
  from: string;
  requestId: string;
  closing: AbortSignal;
};

async function runSession(websocket: WebSocket, parts: ApiParts, session: Session): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, session.closing]);
  websocket.on("close", () => over.abort(new Error("the client went away")));
  websocket.on("error", () => websocket.terminate());
  const cutOff = () => parts.clock.sleep(closeWithinMs).then(() => websocket.terminate());
  signal.addEventListener("abort", () => void cutOff(), { once: true });
  void keepAdmitted(parts, session, signal).catch((error: unknown) => over.abort(error));
  const stdin = new InputQueue({ pause: () => websocket.pause(), resume: () => websocket.resume() });
  try {
    const exitCode = await execute(websocket, parts, { ...session, stdin, signal, over });
    websocket.send(encodeExecFrame({ kind: "exit", exitCode }));
    websocket.close(1000);
  } catch (error) {
    const { body, status } = errorAnswer(error, session.requestId);
    if (status >= 500 && !signal.aborted)
      parts.log("error", `exec failed: ${messageOf(error)}`, { requestId: session.requestId });
    if (websocket.readyState === websocket.OPEN) {
      const { code, message, hint } = body;
      websocket.send(
        encodeExecFrame({ kind: "error", error: { code, message, ...(hint === undefined ? {} : { hint }) } }),
      );
    }
    websocket.close(session.closing.aborted ? 1001 : 1000);
  } finally {
    stdin.end();
    over.abort(new Error("the session ended"));
  }
}

/** Throws when the caller was signed out or lost the role: their session ends within half a minute. */
async function keepAdmitted({ clock }: ApiParts, { admit }: Session, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(recheckMs, signal);
    admit();
  }
}

async function execute(
  websocket: WebSocket,
  parts: ApiParts,
  session: Session & { stdin: InputQueue; signal: AbortSignal; over: AbortController },
): Promise<number> {
  const { scope, signal, stdin } = session;
  const text = await firstMessage(websocket, parts, signal, (data, isBinary) =>
    takeInput(websocket, stdin, isBinary ? bytesOf(data) : undefined),
  );
  const request = execRequestSchema.parse(
    parseInput({ body: execRequestSchema }, { params: {}, query: {}, body: parseJsonBody(text) }).body,
  );
  const replica = await findReplica(parts.engine, scope, request);
  audited(
    parts,
    { by: { name: session.actor, reason: "", from: session.from }, action: "exec", target: scopeKey(scope) },
    // Only the program: its arguments may hold a password.
    (detail) => detail({ service: request.service, replica, program: request.argv[0] ?? "" }),
  );
  const send = (kind: "stdout" | "stderr") => (chunk: Uint8Array) => {
    if (websocket.readyState === websocket.OPEN) websocket.send(encodeExecFrame({ kind, bytes: chunk }));
    if (websocket.bufferedAmount > outputLimitBytes) session.over.abort(new Error("the client is too slow"));
  };
  const masked = (kind: "stdout" | "stderr") =>
    new MaskStream(parts.clock, (line) => parts.variables.masks.mask(scope, line), send(kind));
  const [out, err] = [masked("stdout"), masked("stderr")];
  const onStdout = (chunk: Uint8Array) => out.push(chunk);
  const io = { stdin, onStdout, onStderr: (chunk: Uint8Array) => err.push(chunk), tty: request.tty };
  try {
    return await parts.runtime.exec(replica as ReplicaId, request.argv, io, signal);
  } finally {
    out.end();
    err.end();
  }
}

function takeInput(websocket: WebSocket, stdin: InputQueue, message: Uint8Array | undefined): void {
  const frame = message && decodeExecFrame(message);
  if (frame?.kind === "stdin") stdin.push(frame.bytes);
  else if (frame?.kind === "stdinEnd") stdin.end();
  else websocket.close(1003, "not an input frame");
}

/**
 * The request itself, which must come soon: an idle upgrade holds a session. What follows it goes to `onNext` from the
 * very next message on: input often comes in the same packet, and a message that nobody listens to is lost.
 */
function firstMessage(
  websocket: WebSocket,
  { clock }: ApiParts,
  signal: AbortSignal,
  onNext: (data: RawData, isBinary: boolean) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const waiting = new AbortController();
    const settle = (act: () => void) => {
      waiting.abort();
      websocket.off("message", onMessage);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    const onMessage = (data: RawData, isBinary: boolean) => {
      websocket.on("message", onNext);
      settle(() =>
        isBinary
          ? reject(apiError("API_INPUT_INVALID", "the first message must be the request, as text"))
          : resolve(Buffer.from(bytesOf(data)).toString("utf8")),
      );
    };
    websocket.on("message", onMessage);
    signal.addEventListener("abort", onAbort, { once: true });
    clock.sleep(requestWithinMs, waiting.signal).then(
      () => settle(() => reject(apiError("API_INPUT_INVALID", "no request came within 10 seconds"))),
      () => undefined,
    );
  });
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
