const pauseAtBytes = 1024 * 1024;

/** Bytes on their way from a socket to a process: the socket is paused while more than a megabyte waits. */
export class InputQueue implements AsyncIterable<Uint8Array> {
  readonly #source: { pause: () => void; resume: () => void };
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(source: { pause: () => void; resume: () => void }) {
    this.#source = source;
  }

  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting > pauseAtBytes) this.#source.pause();
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#waiting -= chunk.length;
        if (this.#waiting <= pauseAtBytes) this.#source.resume();
        yield chunk;
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
