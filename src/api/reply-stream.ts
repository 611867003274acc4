import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Clock } from "../lib/clock.ts";

/** A silent stream says so this often, so that proxies keep it open and a vanished client is noticed. */
const heartbeatMs = 15_000;
/** A client that takes nothing for this long is let go. */
const stalledMs = 60_000;

/**
 * One streamed answer. `write` waits for a slow client, so nothing piles up here; `signal` tells that the client went
 * away, stalled, or the server closes.
 */
export class ReplyStream {
  readonly signal: AbortSignal;
  readonly #raw: ServerResponse;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  readonly #heartbeat: string;

  constructor(
    raw: ServerResponse,
    options: { clock: Clock; closing: AbortSignal; headers: Record<string, string>; heartbeat: string },
  ) {
    this.#raw = raw;
    this.#clock = options.clock;
    this.#heartbeat = options.heartbeat;
    this.signal = AbortSignal.any([this.#ended.signal, options.closing]);
    raw.once("close", () => this.#ended.abort(new Error("the client went away")));
    raw.on("error", (error) => this.#ended.abort(error));
    raw.writeHead(200, { ...options.headers, "x-accel-buffering": "no" });
    raw.flushHeaders();
    void this.#beat();
  }

  /** Resolves when the client has room again; rejects with the signal's reason. */
  async write(text: string): Promise<void> {
    this.signal.throwIfAborted();
    if (this.#raw.write(text)) return;
    const limit = new AbortController();
    const stalled = this.#clock.sleep(stalledMs, limit.signal).then(() => {
      this.#raw.destroy();
      this.#ended.abort(new Error("the client takes nothing"));
    });
    stalled.catch(() => undefined);
    try {
      await once(this.#raw, "drain", { signal: this.signal });
    } finally {
      limit.abort();
    }
  }

  end(): void {
    this.#ended.abort(new Error("the stream ended"));
    this.#raw.end();
  }

  async #beat(): Promise<void> {
    try {
      for (;;) {
        await this.#clock.sleep(heartbeatMs, this.signal);
        if (!this.#raw.writableNeedDrain) this.#raw.write(this.#heartbeat);
      }
    } catch {
      // The stream is over; nothing is left to keep alive.
    }
  }
}
