/** More lines than this wait for a slow reader; then the oldest are left out. */
const limit = 5000;

/** Hands what a worker says to one reader. */
export class LineQueue<T> {
  #items: T[] = [];
  #ended: { error?: unknown } | undefined;
  #wake: () => void = () => undefined;

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length > limit) this.#items.shift();
    this.#wake();
  }

  /** After what was added; `error` is thrown to the reader. */
  end(error?: unknown): void {
    this.#ended = error === undefined ? {} : { error };
    this.#wake();
  }

  async *items(signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    const stop = () => this.#wake();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        const rung = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        const items = this.#items;
        this.#items = [];
        yield* items;
        if (items.length > 0) continue;
        if (this.#ended) {
          if ("error" in this.#ended) throw this.#ended.error;
          return;
        }
        await rung;
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}
