import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Asked } from "./exchange.ts";
import type { UpstreamConnection } from "./upstream-pool.ts";

const stalledMs = 30_000;
/** After a refusal this much more is read and thrown away, so that the client gets to read the answer. */
const discardBytes = 4 * 1024 * 1024;
const discardMs = 5_000;

/**
 * A request's body on its way to a target: starts when the connection stands, pauses when the target is slow, and
 * calls `onTooLarge` as soon as the route's limit is passed.
 */
export class RequestBody {
  started = false;
  /** Monotonic milliseconds of the last progress. */
  lastAt = 0;
  readonly framing: string;
  readonly #asked: Asked;
  readonly #chunked: boolean;
  readonly #limit: number;
  readonly #onTooLarge: () => void;
  #connection: UpstreamConnection | undefined;
  #bytes = 0;
  #finished = false;
  #detached = false;

  constructor(asked: Asked, onTooLarge: () => void) {
    const { length } = asked.scan;
    this.#asked = asked;
    this.#chunked = length < 0;
    this.#limit = asked.route?.bodyLimitBytes ?? Number.POSITIVE_INFINITY;
    this.#onTooLarge = onTooLarge;
    this.framing = this.#chunked ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${length}\r\n`;
  }

  flowTo(connection: UpstreamConnection): void {
    if (this.started || this.#detached) return;
    this.started = true;
    this.#connection = connection;
    this.lastAt = performance.now();
    const { request, response } = this.#asked;
    if (request.headers.expect !== undefined) sendContinue(response);
    request.on("data", (chunk: Buffer) => this.#take(chunk));
    request.on("end", () => this.#finish());
  }

  resume(): void {
    if (!this.#detached && this.started) this.#asked.request.resume();
  }

  /** True when the client owes body bytes for too long. */
  stalled(now: number): boolean {
    return (
      this.started && !this.#finished && now - this.lastAt > stalledMs && !this.#asked.request.isPaused()
    );
  }

  /** Nothing goes to a target any more; the rest is thrown away within a bound. */
  detach(): void {
    if (this.#detached) return;
    this.#detached = true;
    this.#connection = undefined;
    const { request } = this.#asked;
    if (this.#finished || request.readableEnded || request.destroyed) return;
    let left = discardBytes;
    const cut = () => request.destroy();
    const timer = setTimeout(cut, discardMs);
    request.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) cut();
    });
    request.on("close", () => clearTimeout(timer));
    request.on("end", () => clearTimeout(timer));
    request.resume();
  }

  #take(chunk: Buffer): void {
    const socket = this.#connection?.socket;
    if (this.#detached || socket === undefined) return;
    this.#bytes += chunk.length;
    this.lastAt = performance.now();
    if (this.#bytes > this.#limit) {
      this.#onTooLarge();
      return;
    }
    if (this.#chunked) socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    let writable = socket.write(chunk);
    if (this.#chunked) writable = socket.write("\r\n", "latin1");
    if (!writable) this.#asked.request.pause();
  }

  #finish(): void {
    this.#finished = true;
    if (this.#chunked && !this.#detached) this.#connection?.socket.write("0\r\n\r\n", "latin1");
  }
}

function sendContinue(response: ServerResponse | Http2ServerResponse): void {
  response.writeContinue();
}
