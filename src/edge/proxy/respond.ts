import type { IncomingMessage, ServerResponse } from "node:http";
import { type Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type ErrorAnswer, errorPage, reasonOf } from "./error-page.ts";

export type FrontRequest = IncomingMessage | Http2ServerRequest;
export type FrontResponse = ServerResponse | Http2ServerResponse;

/** Starts an answer from name, value pairs; repeated fields stay repeated in both protocol versions. */
export function startAnswer(response: FrontResponse, status: number, reason: string, raw: string[]): void {
  if (isHttp2(response)) {
    response.stream.respond({ ":status": status, ...joined(raw) }, { endStream: false });
    return;
  }
  response.writeHead(status, reason, raw);
}

/** By class: a client may write `HTTP/2.0` into a request of the older protocol. */
export function isHttp2(response: FrontResponse): response is Http2ServerResponse {
  return response instanceof Http2ServerResponse;
}

/** A whole answer made by the edge itself. */
export function answer(
  response: FrontResponse,
  status: number,
  headers: readonly string[],
  body: string | Buffer = "",
): void {
  const length = String(Buffer.byteLength(body));
  const raw = [...headers, "X-Content-Type-Options", "nosniff"];
  if (status !== 304 && status !== 204) raw.push("Content-Length", length);
  startAnswer(response, status, reasonOf(status), raw);
  finish(response, body);
}

/** An error page by Accept, never cached. */
export function answerError(
  response: FrontResponse,
  error: ErrorAnswer & { accept: string; retryAfter?: number; headers?: readonly string[] },
): void {
  const page = errorPage(error, error.accept);
  const headers = ["Content-Type", page.type, "Cache-Control", "no-store", "X-Request-Id", error.requestId];
  if (error.retryAfter !== undefined) headers.push("Retry-After", String(error.retryAfter));
  answer(response, error.status, [...headers, ...(error.headers ?? [])], page.body);
}

export function writeBody(response: FrontResponse, chunk: Buffer): boolean {
  return isHttp2(response) ? response.stream.write(chunk) : response.write(chunk);
}

const spareBytes = 131_072;
const maxSpares = 64;
const spares: Buffer[] = [];

/**
 * Writes bytes that live in a reused buffer: they are copied into a spare one that comes back once they are sent, so
 * that large bodies leave no garbage behind.
 */
export function writeCopy(response: FrontResponse, chunk: Buffer): boolean {
  if (chunk.length < 8_192 || chunk.length > spareBytes) return writeBody(response, Buffer.from(chunk));
  const spare = spares.pop() ?? Buffer.allocUnsafeSlow(spareBytes);
  chunk.copy(spare);
  const giveBack = () => {
    if (spares.length < maxSpares) spares.push(spare);
  };
  const part = spare.subarray(0, chunk.length);
  return isHttp2(response) ? response.stream.write(part, giveBack) : response.write(part, giveBack);
}

/** Ends an answer. A small body is handed over as text, which goes out in one write with its header. */
export function finish(response: FrontResponse, body: string | Buffer = "", encoding?: "latin1"): void {
  if (isHttp2(response)) {
    if (body.length === 0 || response.req.method === "HEAD") response.stream.end();
    else response.stream.end(body);
  } else if (body.length === 0) response.end();
  else response.end(body, encoding ?? "utf8");
}

/** The answer broke off: the client must not take what it has for the whole. */
export function breakOff(response: FrontResponse): void {
  if (isHttp2(response)) response.stream.close(2);
  else response.socket?.destroy();
}

export function onWritable(response: FrontResponse, listener: () => void): void {
  if (isHttp2(response)) response.stream.on("drain", listener);
  else response.on("drain", listener);
}

const connectionFields = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "proxy-connection",
]);

function joined(raw: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    const value = raw[at + 1] ?? "";
    if (connectionFields.has(name)) continue;
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (name === "set-cookie") headers[name] = [...(Array.isArray(known) ? known : [known]), value];
    else headers[name] = `${String(known)}, ${value}`;
  }
  return headers;
}
