import { connect, type Socket } from "node:net";
import { bucketOf, quantileOf } from "../src/lib/histogram.ts";

/**
 * A load generator that counts every failed request and says why. HTTP/1.1 over raw keep-alive sockets, one request
 * at a time on each, no retries: what a client would see as an error is an error here.
 */
export type LoadOptions = {
  host: string;
  port: number;
  /** Host header and path of each request, taken in turn. */
  requests: readonly { host: string; path: string }[];
  connections: number;
  /** Requests a second over all connections; absent: as fast as it goes. */
  rate?: number;
  timeoutMs?: number;
  /** A new connection for every request instead of keep-alive. */
  reconnect?: boolean;
  /** Called for every answer. */
  onAnswer?: (answer: Answer) => void;
  /** Called for every failure, at once. */
  onFailure?: (reason: string) => void;
};

export type Answer = { status: number; body: string; host: string; path: string };

export type LoadReport = {
  requests: number;
  failed: number;
  /** Reason -> count, e.g. `502`, `reset after 0 bytes`. */
  reasons: Record<string, number>;
  /** First failures, with the time since the start. */
  samples: { atMs: number; reason: string }[];
  seconds: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
};

const sampleLimit = 20;

export class LoadGenerator {
  readonly #options: LoadOptions;
  readonly #latency: Record<number, number> = {};
  readonly #reasons: Record<string, number> = {};
  readonly #samples: { atMs: number; reason: string }[] = [];
  readonly #began = performance.now();
  #requests = 0;
  #failed = 0;
  #next = 0;
  #stopping = false;
  #clients: Promise<void>[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): this {
    const { connections } = this.#options;
    this.#clients = Array.from({ length: connections }, (_, index) => this.#client(index));
    return this;
  }

  get requests(): number {
    return this.#requests;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Lets the requests under way end, then reports. */
  async stop(): Promise<LoadReport> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    return {
      requests: this.#requests,
      failed: this.#failed,
      reasons: this.#reasons,
      samples: this.#samples,
      seconds: (performance.now() - this.#began) / 1000,
      p50Ms: quantileOf(this.#latency, 0.5) ?? 0,
      p95Ms: quantileOf(this.#latency, 0.95) ?? 0,
      p99Ms: quantileOf(this.#latency, 0.99) ?? 0,
    };
  }

  async #client(index: number): Promise<void> {
    const { connections, rate } = this.#options;
    const everyMs = rate === undefined ? 0 : (connections / rate) * 1000;
    let due = performance.now() + (everyMs * index) / connections;
    let connection: Connection | undefined;
    while (!this.#stopping) {
      if (everyMs > 0) {
        const wait = due - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        due += everyMs;
      }
      connection = await this.#one(connection);
    }
    connection?.close();
  }

  async #one(connection: Connection | undefined): Promise<Connection | undefined> {
    const { requests, host, port, timeoutMs = 10_000, reconnect = false, onAnswer } = this.#options;
    const request = requests[this.#next++ % requests.length] ?? { host: "localhost", path: "/" };
    const began = performance.now();
    this.#requests += 1;
    const used = connection ?? new Connection(host, port);
    try {
      const answer = await used.ask(request, timeoutMs);
      const bucket = bucketOf(performance.now() - began);
      this.#latency[bucket] = (this.#latency[bucket] ?? 0) + 1;
      if (answer.status < 200 || answer.status >= 400) this.#fail(`${answer.status}`);
      onAnswer?.({ ...answer, ...request });
      if (!answer.keepAlive || reconnect) {
        used.close();
        return undefined;
      }
      return used;
    } catch (error) {
      used.close();
      this.#fail(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #fail(reason: string): void {
    this.#failed += 1;
    this.#options.onFailure?.(reason);
    this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
    if (this.#samples.length < sampleLimit)
      this.#samples.push({ atMs: Math.round(performance.now() - this.#began), reason });
  }
}

type RawAnswer = { status: number; body: string; keepAlive: boolean };
type Waiting = { resolve: (answer: RawAnswer) => void; reject: (error: Error) => void };

/** One keep-alive connection with at most one request under way. */
class Connection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #waiting: Waiting | undefined;
  #dead: string | undefined;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on("data", (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#tryFinish();
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    this.#socket.on("close", () => this.#end("closed"));
  }

  ask(request: { host: string; path: string }, timeoutMs: number): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#dead !== undefined) return reject(new Error(`${this.#dead} before the request`));
      const timer = setTimeout(() => this.#end("timeout"), timeoutMs);
      this.#waiting = {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#socket.write(`GET ${request.path} HTTP/1.1\r\nHost: ${request.host}\r\n\r\n`);
    });
  }

  close(): void {
    this.#dead ??= "closed";
    this.#socket.destroy();
  }

  #end(reason: string): void {
    this.#dead ??= reason;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new Error(`${reason} after ${this.#received.length === 0 ? "no" : "some"} bytes`));
  }

  #tryFinish(): void {
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0 || !this.#waiting) return;
    const head = this.#received.toString("latin1", 0, headEnd);
    const bodyStart = headEnd + 4;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const body =
      length === undefined ? this.#chunked(head, bodyStart) : this.#fixed(bodyStart, Number(length));
    if (body === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const status = Number(head.slice(9, 12));
    waiting.resolve({ status, body, keepAlive: !/\r\nconnection: *close/i.test(head) });
  }

  #fixed(start: number, length: number): string | undefined {
    const end = start + length;
    if (this.#received.length < end) return undefined;
    const body = this.#received.toString("utf8", start, end);
    this.#received = this.#received.subarray(end);
    return body;
  }

  #chunked(head: string, start: number): string | undefined {
    if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return this.#fixed(start, 0);
    let at = start;
    let body = "";
    for (;;) {
      const lineEnd = this.#received.indexOf("\r\n", at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(this.#received.toString("latin1", at, lineEnd), 16);
      const next = lineEnd + 2 + size + 2;
      if (this.#received.length < next) return undefined;
      body += this.#received.toString("utf8", lineEnd + 2, lineEnd + 2 + size);
      at = next;
      if (size === 0) break;
    }
    this.#received = this.#received.subarray(at);
    return body;
  }
}
