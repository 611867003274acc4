import { connect, type Socket } from "node:net";
import { addHistograms, bucketOf, type Histogram } from "../../../lib/histogram.ts";

/** One finished request, as the configuration's log-format writes it. */
export type LoggedRequest = {
  /** Epoch milliseconds at which the request arrived. */
  at: number;
  pool: string;
  server: string;
  status: number;
  /** Until the response head came; negative when it did not. */
  responseMs: number;
};

/** Parses `%Ts.%ms %b/%s %ST %Tr %Ta`; `undefined` for other lines. */
export function parseLogLine(line: string): LoggedRequest | undefined {
  const parts = /^(\d+)\.(\d{3}) ([^/ ]+)\/(\S+) (-?\d+) (-?\d+) \+?(-?\d+)$/.exec(line.trimEnd());
  if (!parts) return undefined;
  const [, seconds, ms, pool = "", server = "", status, response] = parts;
  return {
    at: Number(seconds) * 1000 + Number(ms),
    pool,
    server,
    status: Number(status),
    responseMs: Number(response),
  };
}

/** HAProxy counts whole milliseconds: 0 stands for anything below one. */
const belowOneMs = 0.5;

/**
 * How long an old worker's log is still read. Nearly all requests that were under way have ended by then; HAProxy does
 * not end a worker while anyone reads its log, so a reader that stayed would keep every old worker.
 */
const oldWorkerMs = 5_000;

/**
 * Reads the request log from HAProxy's memory ring over the admin socket and keeps a latency histogram per target.
 * The ring holds the last ten thousand requests or so: what happened while no control plane ran and fell out of it
 * is not in the histograms (the counts are, they come from HAProxy's own counters).
 */
export class RequestLog {
  readonly #targetOf: (request: LoggedRequest) => string | undefined;
  readonly #latency = new Map<string, Record<number, number>>();
  readonly #sockets = new Set<Socket>();
  #newest: Socket | undefined;

  /** @param targetOf names the occupant of a slot at a time. */
  constructor(targetOf: (request: LoggedRequest) => string | undefined) {
    this.#targetOf = targetOf;
  }

  /** Follows the log of the worker that answers on the socket now, until it ends or has had a successor for a while. */
  follow(adminSocket: string): void {
    const previous = this.#newest;
    const socket = connect(adminSocket);
    this.#newest = socket;
    this.#sockets.add(socket);
    if (previous) setTimeout(() => previous.destroy(), oldWorkerMs).unref();
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    });
    // A worker that ended takes its ring along; the next reload or start follows the new one.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    socket.write("show events requests -w\n");
    socket.unref();
  }

  get following(): boolean {
    return this.#newest !== undefined && this.#sockets.has(this.#newest);
  }

  latencyOf(target: string): Histogram {
    return addHistograms({}, this.#latency.get(target) ?? {});
  }

  forget(known: ReadonlySet<string>): void {
    for (const target of this.#latency.keys()) if (!known.has(target)) this.#latency.delete(target);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #take(line: string): void {
    const request = parseLogLine(line);
    if (!request || request.responseMs < 0 || request.status === 101) return;
    const target = this.#targetOf(request);
    if (target === undefined) return;
    const histogram = this.#latency.get(target) ?? {};
    const bucket = bucketOf(request.responseMs === 0 ? belowOneMs : request.responseMs);
    histogram[bucket] = (histogram[bucket] ?? 0) + 1;
    this.#latency.set(target, histogram);
  }
}
