import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Asked } from "./exchange.ts";
import { refuse, refusedEarly, routeRequest } from "./handle-request.ts";
import type { Entry, Plane } from "./plane.ts";
import { answerError, finish, startAnswer } from "./respond.ts";
import type { BackendRuntime, Occupant, TargetRuntime } from "./runtime.ts";
import { stickyHeader } from "./sticky-cookie.ts";
import type { ResponseHead } from "./upstream-parser.ts";
import type { UpstreamConnection, UpstreamFailure, UpstreamUser } from "./upstream-pool.ts";
import { closeFrame, FrameTracker } from "./websocket-frames.ts";

const connectLimitMs = 5_000;
/** After a close frame the client gets this long to answer it, and the service to see the answer. */
const farewellMs = 1_000;

/** Takes a request to switch protocols (WebSocket) through to its service. */
export function handleUpgrade(
  plane: Plane,
  entry: Entry,
  incoming: { request: IncomingMessage; socket: Duplex; head: Buffer },
): void {
  const { request, socket, head } = incoming;
  socket.on("error", () => socket.destroy());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as unknown as Parameters<ServerResponse["assignSocket"]>[0]);
  response.on("finish", () => socket.end());
  const routed = routeRequest(plane, entry, request, response);
  if (routed === undefined) return;
  const { asked } = routed;
  if (asked.scan.length > 0 || asked.scan.chunked) {
    const detail = "A request to switch protocols has no body.";
    refuse(plane, asked, { status: 400, title: "Bad request", detail });
    return;
  }
  if (entry.kind === "public" && refusedEarly(plane, routed)) return;
  const id =
    entry.kind === "internal"
      ? entry.backend
      : asked.route?.action.kind === "proxy"
        ? asked.route.action.backend
        : undefined;
  const backend = id === undefined ? undefined : plane.backends.get(id);
  if (backend === undefined) {
    const { requestId, scan } = asked;
    const detail = "This address takes no WebSocket.";
    answerError(response, {
      status: 426,
      title: "No WebSocket here",
      detail,
      requestId,
      accept: scan.accept,
    });
    return;
  }
  new Tunnel(plane, { asked, response, socket, head }, backend).dispatch();
}

type Client = { asked: Asked; response: ServerResponse; socket: Duplex; head: Buffer };

/** One upgraded connection: bytes both ways, closed politely when its target retires. */
class Tunnel implements UpstreamUser, Occupant {
  readonly #plane: Plane;
  readonly #client: Client;
  readonly #backend: BackendRuntime;
  readonly #frames = new FrameTracker();
  readonly #tried = new Set<string>();
  #target: TargetRuntime | undefined;
  #connection: UpstreamConnection | undefined;
  #state: "asking" | "open" | "refused" | "leaving" | "ended" = "asking";
  #sentAt = 0;

  constructor(plane: Plane, client: Client, backend: BackendRuntime) {
    this.#plane = plane;
    this.#client = client;
    this.#backend = backend;
    client.socket.on("close", () => this.#end());
  }

  dispatch(): void {
    if (this.#state !== "asking") return;
    const now = performance.now();
    if (this.#backend.config.hold) {
      const until = now + this.#backend.config.holdSeconds * 1000;
      const giveUp = () => this.#refuse(503, "Being updated", 2);
      if (!this.#backend.wait({ until, go: () => this.dispatch(), giveUp })) giveUp();
      return;
    }
    const target =
      this.#backend.boundTarget(this.#client.asked.scan.cookie, now) ??
      this.#backend.balancer.pick(now, this.#tried);
    if (target === undefined) {
      this.#refuse(this.#tried.size > 0 ? 502 : 503, "Not running", 2);
      return;
    }
    this.#target = target;
    this.#sentAt = now;
    target.stats.requests += 1;
    target.stats.inFlight += 1;
    target.enter(this);
    const { path, lines, scan } = this.#client.asked;
    this.#connection = target.pool.acquire({ once: true, fresh: true }, now);
    const upgrade = `Connection: Upgrade\r\nUpgrade: ${scan.upgrade}\r\n`;
    this.#connection.send(this, "GET", `GET ${path} HTTP/1.1\r\n${lines}${upgrade}\r\n`);
  }

  onConnected(): void {
    this.#connection?.socket.setKeepAlive(true, 60_000);
  }

  onHead(head: ResponseHead): void {
    const target = this.#target;
    if (target === undefined) return;
    target.stats.answered(head.status, performance.now() - this.#sentAt);
    if (head.status !== 101) {
      this.#state = "refused";
      const length = head.length >= 0 ? ["Content-Length", String(head.length)] : [];
      startAnswer(this.#client.response, head.status, head.reason, [
        ...head.headers,
        ...length,
        "Connection",
        "close",
      ]);
      return;
    }
    this.#state = "open";
    target.stats.inFlight -= 1;
    target.stats.upgraded += 1;
    this.#plane.record(this.#client.asked, 101, this.#backend.id);
    const { socket, response, head: early } = this.#client;
    response.detachSocket(socket as unknown as Parameters<ServerResponse["detachSocket"]>[0]);
    socket.write(
      `HTTP/1.1 101 ${head.reason || "Switching Protocols"}\r\n${this.#headLines(head)}\r\n`,
      "latin1",
    );
    if ("setKeepAlive" in socket && typeof socket.setKeepAlive === "function")
      socket.setKeepAlive(true, 60_000);
    if (early.length > 0) this.#connection?.socket.write(early);
    socket.on("data", (chunk: Buffer) => {
      if (this.#connection?.socket.write(chunk) === false) socket.pause();
    });
    socket.on("end", () => this.#connection?.socket.end());
    socket.on("drain", () => this.#connection?.socket.resume());
    socket.resume();
  }

  onBody(chunk: Buffer): void {
    if (this.#state === "refused") {
      this.#client.response.write(Buffer.from(chunk));
      return;
    }
    if (this.#state !== "open") return;
    this.#frames.take(chunk);
    if (!this.#client.socket.write(Buffer.from(chunk))) this.#connection?.socket.pause();
  }

  onComplete(): void {
    if (this.#state === "refused") finish(this.#client.response);
    this.#leave();
  }

  onFailure(kind: UpstreamFailure, detail: string): void {
    const target = this.#target;
    if (this.#state === "asking" && target !== undefined) {
      target.stats.failures += 1;
      this.#leave();
      this.#tried.add(target.id);
      if (kind === "connect") target.eject(performance.now());
      if (kind === "connect" && this.#backend.balancer.pick(performance.now(), this.#tried)) {
        this.dispatch();
        return;
      }
      this.#plane.log("no answer to an upgrade", { target: target.id, kind, detail });
      this.#refuse(502, "The service broke off");
      return;
    }
    this.#leave();
    if (this.#state === "open" || this.#state === "leaving") this.#client.socket.end();
    else this.#client.socket.destroy();
  }

  onWritable(): void {
    this.#client.socket.resume();
  }

  check(now: number): void {
    if (this.#state !== "asking" || this.#target === undefined) return;
    const limit = this.#connection?.connected
      ? this.#backend.config.responseTimeoutSeconds * 1000
      : connectLimitMs;
    if (now - this.#sentAt <= limit) return;
    this.#target.stats.failures += 1;
    this.#refuse(504, "The service did not answer");
  }

  /** Says 1001 (going away) when no frame is in the middle, then cuts. */
  expel(): void {
    if (
      this.#state !== "open" ||
      !this.#frames.atBoundary ||
      !/^websocket$/i.test(this.#client.asked.scan.upgrade)
    ) {
      this.#client.socket.destroy();
      this.#end();
      return;
    }
    this.#state = "leaving";
    this.#client.socket.write(closeFrame(1001));
    // The target stays entered until the connection is gone: counters must not say less than what is open.
    setTimeout(() => {
      this.#client.socket.destroy();
      this.#end();
    }, farewellMs);
  }

  #headLines(head: ResponseHead): string {
    let lines = `Connection: Upgrade\r\nUpgrade: ${head.upgrade || this.#client.asked.scan.upgrade}\r\n`;
    for (let at = 0; at + 1 < head.headers.length; at += 2)
      lines += `${head.headers[at]}: ${head.headers[at + 1]}\r\n`;
    const target = this.#target;
    if (
      target &&
      this.#backend.config.sticky &&
      !this.#backend.boundTarget(this.#client.asked.scan.cookie, 0)
    )
      lines += `Set-Cookie: ${stickyHeader(this.#backend.cookieName, target.stickyValue, this.#client.asked.secure)}\r\n`;
    return lines;
  }

  #refuse(status: number, title: string, retryAfter?: number): void {
    if (this.#state !== "asking") return;
    this.#state = "refused";
    this.#connection?.abandon();
    this.#leave();
    const { asked, response } = this.#client;
    const { service } = this.#backend.config.label;
    const error = {
      status,
      title,
      detail: `Service ${service}.`,
      requestId: asked.requestId,
      accept: asked.scan.accept,
    };
    answerError(response, retryAfter === undefined ? error : { ...error, retryAfter });
    this.#plane.record(asked, status, this.#backend.id);
  }

  #leave(): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#target = undefined;
    if (this.#state === "open" || this.#state === "leaving") target.stats.upgraded -= 1;
    else target.stats.inFlight -= 1;
    target.leave(this);
  }

  #end(): void {
    if (this.#state === "ended") return;
    this.#connection?.abandon();
    this.#leave();
    this.#state = "ended";
  }
}
