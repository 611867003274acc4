/**
 * One chunk at a time from whoever pushes to whoever reads: the pusher waits until its chunk was taken and the next one
 * is asked for. A reader that stops half-way is told to the pusher's owner.
 */
export class Handover implements AsyncIterable<Uint8Array> {
  readonly #onAbandoned: () => void;
  #offered: { chunk: Uint8Array; taken: () => void } | undefined;
  #wanted: (() => void) | undefined;
  #over: { error?: unknown } | undefined;
  #abandoned = false;

  constructor(onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned;
  }

  /** Calls must not overlap. */
  push(chunk: Uint8Array): Promise<void> {
    if (this.#abandoned) return Promise.resolve();
    return new Promise((resolve) => {
      this.#offered = { chunk, taken: resolve };
      this.#wanted?.();
    });
  }

  end(): void {
    this.#over ??= {};
    this.#wanted?.();
  }

  /** What was pushed and not yet taken is dropped. */
  fail(error: unknown): void {
    this.#over ??= { error };
    this.#offered?.taken();
    this.#offered = undefined;
    this.#wanted?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const offered = this.#offered;
        if (offered) {
          this.#offered = undefined;
          try {
            yield offered.chunk;
          } finally {
            offered.taken();
          }
        } else if (this.#over) {
          if ("error" in this.#over) throw this.#over.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wanted = resolve;
          });
        }
      }
    } finally {
      this.#abandon();
    }
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#offered?.taken();
    if (!this.#over) this.#onAbandoned();
  }
}
