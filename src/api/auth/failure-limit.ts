import type { Clock } from "../../lib/clock.ts";

const failuresPerWindow = 20;
const windowMs = 60_000;
/** Above this many addresses the oldest is forgotten: a flood of addresses costs no memory. */
const addressesKept = 10_000;

/** Counts failed sign-ins per address in fixed windows of a minute. */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #windows = new Map<string, { endsAt: number; failures: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one failure; false when the address had too many already. */
  count(address: string): boolean {
    const now = this.#clock.now();
    const present = this.#windows.get(address);
    if (present && present.endsAt > now) {
      present.failures += 1;
      return present.failures <= failuresPerWindow;
    }
    this.#windows.delete(address);
    const oldest = this.#windows.keys().next().value;
    if (this.#windows.size >= addressesKept && oldest !== undefined) this.#windows.delete(oldest);
    this.#windows.set(address, { endsAt: now + windowMs, failures: 1 });
    return true;
  }

  retryAfterSeconds(address: string): number {
    const left = (this.#windows.get(address)?.endsAt ?? 0) - this.#clock.now();
    return Math.max(1, Math.ceil(left / 1000));
  }
}
