/** Hands values from several producers to one consumer; producers wait while the buffer is full. */
export class Channel<T> {
  readonly #capacity: number;
  readonly #values: T[] = [];
  #closed = false;
  #wakeConsumer: (() => void) | undefined;
  #wakeProducers: (() => void)[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Resolves once there is room; what comes after `close` is dropped. */
  async push(value: T): Promise<void> {
    while (!this.#closed && this.#values.length >= this.#capacity) {
      await new Promise<void>((resolve) => this.#wakeProducers.push(resolve));
    }
    if (this.#closed) return;
    this.#values.push(value);
    this.#wakeConsumer?.();
  }

  close(): void {
    this.#closed = true;
    this.#wakeConsumer?.();
    this.#releaseProducers();
  }

  /** Values in order until the channel is closed and empty. */
  async *values(): AsyncGenerator<T> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) {
        this.#releaseProducers();
        yield value;
      } else if (this.#closed) return;
      else
        await new Promise<void>((resolve) => {
          this.#wakeConsumer = resolve;
        });
    }
  }

  #releaseProducers(): void {
    const waiting = this.#wakeProducers;
    this.#wakeProducers = [];
    for (const wake of waiting) wake();
  }
}
