import type { Clock } from "./clock.ts";

/** Above this many keys the oldest is forgotten: a flood of addresses costs no memory. */
const keysKept = 10_000;
const aMinute = { failures: 20, windowMs: 60_000 };

/** Counts failures per key (an address, an account) in fixed windows. */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #limit: { failures: number; windowMs: number };
  readonly #windows = new Map<string, { endsAt: number; failures: number }>();

  /** By default 20 a minute. */
  constructor(clock: Clock, limit: { failures: number; windowMs: number } = aMinute) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Counts one failure; false when the key had too many already. */
  count(key: string): boolean {
    const now = this.#clock.now();
    const present = this.#windows.get(key);
    if (present && present.endsAt > now) {
      present.failures += 1;
      return present.failures <= this.#limit.failures;
    }
    this.#windows.delete(key);
    const oldest = this.#windows.keys().next().value;
    if (this.#windows.size >= keysKept && oldest !== undefined) this.#windows.delete(oldest);
    this.#windows.set(key, { endsAt: now + this.#limit.windowMs, failures: 1 });
    return true;
  }

  /** Whether no further failure is allowed now: asked before the work that an attempt costs. */
  isReached(key: string): boolean {
    const present = this.#windows.get(key);
    return (
      present !== undefined && present.endsAt > this.#clock.now() && present.failures >= this.#limit.failures
    );
  }

  /** A success ends the window. */
  clear(key: string): void {
    this.#windows.delete(key);
  }

  retryAfterSeconds(key: string): number {
    const left = (this.#windows.get(key)?.endsAt ?? 0) - this.#clock.now();
    return Math.max(1, Math.ceil(left / 1000));
  }
}
