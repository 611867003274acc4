import type { Readable } from "node:stream";

type Sink = (chunk: Uint8Array) => void | Promise<void>;

/** Hands a stream's chunks to a sink one after the other; while the sink is busy, the stream is paused. */
export class HeldOutput {
  readonly #stream: Readable;
  readonly #sink: Sink;
  readonly #onFailure: (error: unknown) => void;
  readonly #drop = Promise.withResolvers<void>();
  #busy: Promise<void> | undefined;
  #dropped = false;

  /** `onFailure` hears once what the sink threw or rejected with; nothing reaches it afterwards. */
  constructor(stream: Readable, sink: Sink, onFailure: (error: unknown) => void) {
    this.#stream = stream;
    this.#sink = sink;
    this.#onFailure = onFailure;
  }

  push(chunk: Uint8Array): void {
    if (this.#dropped) return;
    if (this.#busy) {
      this.#wait(this.#busy.then(() => (this.#dropped ? undefined : this.#sink(chunk))));
      return;
    }
    const done = this.#sink(chunk);
    if (!(done instanceof Promise)) return;
    this.#stream.pause();
    this.#wait(done);
  }

  /** Nobody wants the rest: it is read and thrown away, so that the program's end can be seen. */
  drop(): void {
    this.#dropped = true;
    this.#drop.resolve();
    this.#stream.resume();
  }

  /** Once the sink has taken everything that came so far, or the rest is dropped: a sink may never finish then. */
  async settled(): Promise<void> {
    while (this.#busy && !this.#dropped) await Promise.race([this.#busy, this.#drop.promise]);
  }

  #wait(done: Promise<void>): void {
    const mine = done.then(
      () => {
        if (this.#busy !== mine) return;
        this.#busy = undefined;
        this.#stream.resume();
      },
      (error: unknown) => {
        if (this.#dropped) return;
        this.drop();
        this.#onFailure(error);
      },
    );
    this.#busy = mine;
  }
}
