import type { Clock } from "../lib/clock.ts";
import { messageOf } from "../lib/platform-error.ts";
import type { WatchParts } from "./parts.ts";

type SenderParts = Pick<WatchParts, "log"> & {
  clock: Clock;
  name: string;
  everyMs: number;
  send: (signal: AbortSignal) => Promise<void>;
};

/** Sends something again and again; says once that it fails, and once that it works again. */
export class Sender {
  readonly #parts: SenderParts;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #failing = false;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the watch stops"));
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, everyMs } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.#once(signal);
    }
  }

  async #once(signal: AbortSignal): Promise<void> {
    const { name, log, send } = this.#parts;
    try {
      await send(signal);
      if (this.#failing) log("info", `${name} works again`);
      this.#failing = false;
    } catch (error) {
      if (signal.aborted || this.#failing) return;
      this.#failing = true;
      log("warn", `${name} fails: ${messageOf(error)}`);
    }
  }
}
