import { isUtf8 } from "node:buffer";
import type { Clock } from "../lib/clock.ts";

/** A prompt has no line break; it is shown when nothing more has come for so long. */
const holdMs = 25;
/** A line beyond this is passed on in pieces. */
const lineLimitBytes = 64 * 1024;
const lineBreak = 0x0a;

/**
 * Takes secrets out of a program's output before it leaves: whole lines, so that a value in two chunks is still found.
 * What is no text stays as it is, byte by byte, but for the values themselves.
 */
export class MaskStream {
  readonly #mask: (text: string) => string;
  readonly #send: (chunk: Uint8Array) => void;
  readonly #clock: Clock;
  #held: Buffer = Buffer.alloc(0);
  #waiting = new AbortController();

  constructor(clock: Clock, mask: (text: string) => string, send: (chunk: Uint8Array) => void) {
    this.#clock = clock;
    this.#mask = mask;
    this.#send = send;
  }

  push(chunk: Uint8Array): void {
    this.#waiting.abort();
    const all = Buffer.concat([this.#held, chunk]);
    const end = all.length > lineLimitBytes ? all.length : all.lastIndexOf(lineBreak) + 1;
    this.#held = all.subarray(end);
    if (end > 0) this.#pass(all.subarray(0, end));
    if (this.#held.length > 0) this.#later();
  }

  /** What is held back goes out now. */
  end(): void {
    this.#waiting.abort();
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    if (rest.length > 0) this.#pass(rest);
  }

  #later(): void {
    this.#waiting = new AbortController();
    this.#clock.sleep(holdMs, this.#waiting.signal).then(
      () => this.end(),
      () => undefined,
    );
  }

  #pass(bytes: Buffer): void {
    const encoding = isUtf8(bytes) ? "utf8" : "latin1";
    const text = bytes.toString(encoding);
    const masked = this.#mask(text);
    this.#send(masked === text ? bytes : Buffer.from(masked, encoding));
  }
}
