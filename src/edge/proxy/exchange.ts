import type { BrotliCompress, Gzip } from "node:zlib";
import { chooseCoding, createEncoder, encodedHeaders } from "./compression.ts";
import type { Plane, PublicRoute } from "./plane.ts";
import { RequestBody } from "./request-body.ts";
import {
  answerError,
  breakOff,
  type FrontRequest,
  type FrontResponse,
  finish,
  isHttp2,
  onWritable,
  startAnswer,
  writeBody,
  writeCopy,
} from "./respond.ts";
import type { BackendRuntime, Occupant, TargetRuntime, Waiting } from "./runtime.ts";
import type { Scan } from "./scan-request.ts";
import { stickyHeader } from "./sticky-cookie.ts";
import type { ResponseHead } from "./upstream-parser.ts";
import type { UpstreamConnection, UpstreamFailure, UpstreamUser } from "./upstream-pool.ts";

/** Everything about one request that was decided before a target was chosen. */
export type Asked = {
  request: FrontRequest;
  response: FrontResponse;
  scan: Scan;
  /** Method, path behind the edge and header lines without the request line. */
  method: string;
  path: string;
  lines: string;
  client: string;
  secure: boolean;
  requestId: string;
  /** `undefined` on an internal listener. */
  route: PublicRoute | undefined;
  startedAt: number;
};

const connectLimitMs = 5_000;
const stalledClientMs = 60_000;
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** One request on its way to a target and its answer back. Ends exactly once. */
export class Exchange implements UpstreamUser, Occupant {
  readonly #plane: Plane;
  readonly #asked: Asked;
  readonly #backend: BackendRuntime;
  readonly #body: RequestBody | undefined;
  #tried: Set<string> | undefined;
  #target: TargetRuntime | undefined;
  #connection: UpstreamConnection | undefined;
  #waiting: Waiting | undefined;
  #encoder: Gzip | BrotliCompress | undefined;
  #length = -1;
  #status = 0;
  #sentAt = 0;
  #pausedAt = 0;
  #listens = false;
  #ended = false;

  constructor(plane: Plane, asked: Asked, backend: BackendRuntime) {
    this.#plane = plane;
    this.#asked = asked;
    this.#backend = backend;
    const { scan } = asked;
    const hasBody =
      scan.chunked || scan.length > 0 || (isHttp2(asked.response) && !repeatable.has(asked.method));
    if (hasBody) this.#body = new RequestBody(asked, () => this.#refuseBody());
    asked.response.on("close", () => this.#clientGone());
  }

  /** Chooses a target and sends the request, or waits while the backend is held. */
  dispatch(): void {
    this.#waiting = undefined;
    if (this.#ended) return;
    if (this.#backend.config.hold) {
      this.#hold();
      return;
    }
    const now = performance.now();
    const bound = this.#tried ? undefined : this.#backend.boundTarget(this.#asked.scan.cookie, now);
    const target = bound ?? this.#backend.balancer.pick(now, this.#tried);
    if (target === undefined) {
      const { label } = this.#backend.config;
      this.#answerError(
        503,
        `${label.service} is not running`,
        "No running copy takes requests right now.",
        2,
      );
      return;
    }
    target.stats.requests += 1;
    target.stats.inFlight += 1;
    target.enter(this);
    this.#target = target;
    this.#send(target, false, now);
  }

  onConnected(): void {
    if (this.#connection) this.#body?.flowTo(this.#connection);
  }

  onHead(head: ResponseHead): void {
    const { response, scan, route, secure } = this.#asked;
    const target = this.#target;
    if (target === undefined) return;
    if (head.status === 101) {
      this.#connection?.abandon();
      this.onFailure("broken", "answered 101 to a request that did not ask to switch");
      return;
    }
    this.#status = head.status;
    this.#length = head.length;
    target.stats.answered(head.status, performance.now() - this.#sentAt);
    let { headers } = head;
    if (route !== undefined && (route.requireTls || route.compress)) {
      if (route.requireTls && secure) headers = withHsts(headers);
      const coding =
        route.compress && this.#asked.method !== "HEAD" ? chooseCoding(scan.acceptEncoding, head) : undefined;
      if (coding !== undefined) {
        headers = encodedHeaders(headers, coding);
        this.#encode(createEncoder(coding, head.length < 0));
      }
    }
    if (head.length >= 0 && this.#encoder === undefined) headers.push("Content-Length", String(head.length));
    if (this.#backend.config.sticky && this.#backend.boundTarget(scan.cookie, 0) !== target)
      headers.push("Set-Cookie", stickyHeader(this.#backend.cookieName, target.stickyValue, secure));
    try {
      startAnswer(response, head.status, head.reason, headers);
    } catch {
      this.#connection?.abandon();
      this.#status = 0;
      this.#leaveTarget();
      this.#answerError(502, "Unusable answer", "The service sent a header that is not valid HTTP.");
    }
  }

  onBody(chunk: Buffer): void {
    const { response } = this.#asked;
    if (this.#ended) return;
    if (this.#encoder !== undefined) {
      if (!this.#encoder.write(Buffer.from(chunk))) this.#pause();
      return;
    }
    if (chunk.length === this.#length && chunk.length <= 4_096 && !isHttp2(response)) {
      // Node sends a text body in one write with the header; Latin-1 keeps every byte.
      finish(response, chunk.toString("latin1"), "latin1");
      this.#length = -2;
      return;
    }
    if (!writeCopy(response, chunk)) this.#pause();
  }

  onComplete(): void {
    this.#connection = undefined;
    this.#leaveTarget();
    if (this.#ended) return;
    if (this.#encoder !== undefined) this.#encoder.end();
    else if (this.#length !== -2) finish(this.#asked.response);
    this.#end();
  }

  onFailure(kind: UpstreamFailure, detail: string): void {
    const target = this.#target;
    this.#connection = undefined;
    if (target === undefined || this.#ended) return;
    if (this.#status !== 0) {
      this.#leaveTarget();
      this.#plane.log("answer broke off", { target: target.id, detail, requestId: this.#asked.requestId });
      breakOff(this.#asked.response);
      this.#end();
      return;
    }
    const untouched = this.#body === undefined || !this.#body.started;
    if (kind === "stale" && untouched && repeatable.has(this.#asked.method)) {
      this.#send(target, true, performance.now());
      return;
    }
    target.stats.failures += 1;
    this.#leaveTarget();
    if (kind === "connect") target.eject(performance.now());
    this.#tried ??= new Set();
    this.#tried.add(target.id);
    const resendable =
      untouched && (kind === "connect" || (kind === "reset" && repeatable.has(this.#asked.method)));
    if (resendable && this.#backend.balancer.pick(performance.now(), this.#tried)) {
      this.dispatch();
      return;
    }
    this.#plane.log("no answer", { target: target.id, kind, detail, requestId: this.#asked.requestId });
    const { service } = this.#backend.config.label;
    this.#answerError(
      502,
      kind === "connect" ? `${service} does not accept connections` : `${service} broke off`,
      kind === "connect"
        ? "It is starting, stopping, or listening on another port."
        : "It closed the connection without a complete answer.",
    );
  }

  onWritable(): void {
    this.#body?.resume();
  }

  check(now: number): void {
    if (this.#ended) return;
    if (this.#pausedAt > 0 && now - this.#pausedAt > stalledClientMs) {
      this.expel();
      return;
    }
    if (this.#status !== 0 || this.#target === undefined || this.#connection === undefined) return;
    if (!this.#connection.connected) {
      if (now - this.#sentAt <= connectLimitMs) return;
      this.#connection.abandon();
      this.onFailure("connect", "did not accept the connection in time");
      return;
    }
    if (this.#body?.stalled(now)) {
      this.#giveUpTarget();
      this.#answerError(408, "Request timed out", "The request body did not arrive.");
      return;
    }
    const since = Math.max(this.#sentAt, this.#body?.lastAt ?? 0);
    if (now - since <= this.#backend.config.responseTimeoutSeconds * 1000) return;
    this.#target.stats.failures += 1;
    this.#giveUpTarget();
    const seconds = this.#backend.config.responseTimeoutSeconds;
    const { service } = this.#backend.config.label;
    this.#answerError(504, `${service} did not answer`, `It took longer than ${seconds} seconds.`);
  }

  /** The target is being retired: what has not been answered by now breaks off. */
  expel(): void {
    if (this.#ended) return;
    this.#giveUpTarget();
    if (this.#status === 0)
      this.#answerError(503, "Request cut off", "The copy that worked on it was shut down.", 1);
    else {
      breakOff(this.#asked.response);
      this.#end();
    }
  }

  #send(target: TargetRuntime, fresh: boolean, now: number): void {
    const { method, path, lines, scan } = this.#asked;
    const once = this.#body !== undefined || !repeatable.has(method);
    this.#sentAt = now;
    const connection = target.pool.acquire({ once, fresh }, now);
    this.#connection = connection;
    const framing = this.#body?.framing ?? (scan.length === 0 ? "Content-Length: 0\r\n" : "");
    connection.send(this, method, `${method} ${path} HTTP/1.1\r\n${lines}${framing}\r\n`);
  }

  #hold(): void {
    const seconds = this.#backend.config.holdSeconds;
    const giveUp = () =>
      this.#answerError(
        503,
        `${this.#backend.config.label.service} is being updated`,
        "Try again shortly.",
        2,
      );
    const waiting = { until: performance.now() + seconds * 1000, go: () => this.dispatch(), giveUp };
    if (this.#backend.wait(waiting)) this.#waiting = waiting;
    else giveUp();
  }

  #encode(encoder: Gzip | BrotliCompress): void {
    this.#encoder = encoder;
    const { response } = this.#asked;
    encoder.on("data", (chunk: Buffer) => {
      if (writeBody(response, chunk)) return;
      encoder.pause();
      this.#listen();
    });
    encoder.on("drain", () => this.#resume());
    encoder.on("end", () => finish(response));
    encoder.on("error", () => breakOff(response));
  }

  #pause(): void {
    this.#pausedAt = performance.now();
    this.#connection?.socket.pause();
    if (this.#encoder === undefined) this.#listen();
  }

  #listen(): void {
    if (this.#listens) return;
    this.#listens = true;
    onWritable(this.#asked.response, () => {
      this.#encoder?.resume();
      this.#resume();
    });
  }

  #resume(): void {
    if (this.#encoder?.writableNeedDrain) return;
    this.#pausedAt = 0;
    this.#connection?.socket.resume();
  }

  #refuseBody(): void {
    if (this.#ended) return;
    this.#giveUpTarget();
    const limit = this.#asked.route?.bodyLimitBytes ?? 0;
    if (this.#status !== 0) breakOff(this.#asked.response);
    this.#answerError(413, "Request too large", `The limit is ${limit} bytes.`);
  }

  #clientGone(): void {
    if (this.#waiting) this.#backend.leaveQueue(this.#waiting);
    this.#encoder?.destroy();
    if (this.#ended) return;
    this.#giveUpTarget();
    this.#end();
  }

  #answerError(status: number, title: string, detail: string, retryAfter?: number): void {
    if (this.#ended) return;
    const { response, scan, requestId } = this.#asked;
    if (this.#status === 0) {
      this.#status = status;
      const error = { status, title, detail, requestId, accept: scan.accept };
      answerError(response, retryAfter === undefined ? error : { ...error, retryAfter });
    }
    this.#end();
  }

  #giveUpTarget(): void {
    this.#connection?.abandon();
    this.#connection = undefined;
    this.#leaveTarget();
  }

  #leaveTarget(): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#target = undefined;
    target.stats.inFlight -= 1;
    target.leave(this);
    this.#plane.lastTarget = target.id;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#body?.detach();
    this.#plane.record(this.#asked, this.#status, this.#backend.id);
  }
}

const hsts = "max-age=31536000; includeSubDomains; preload";

export function withHsts(raw: readonly string[]): string[] {
  const headers: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    if ((raw[at] ?? "").toLowerCase() !== "strict-transport-security")
      headers.push(raw[at] ?? "", raw[at + 1] ?? "");
  headers.push("Strict-Transport-Security", hsts);
  return headers;
}
