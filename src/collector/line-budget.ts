/** How much of one source is kept. */
export type LineLimits = {
  /** Lines a second that may go on for ever. */
  linesPerSecond: number;
  bytesPerSecond: number;
  /** So many seconds' worth may come at once. */
  burstSeconds: number;
};

export const defaultLimits: LineLimits = {
  linesPerSecond: 2000,
  bytesPerSecond: 1024 * 1024,
  burstSeconds: 10,
};

/** A token bucket for lines and one for bytes; what does not fit is counted. */
export class LineBudget {
  readonly #limits: LineLimits;
  #lines: number;
  #bytes: number;
  #filledAt: number;
  #dropped = 0;

  constructor(limits: LineLimits, now: number) {
    this.#limits = limits;
    this.#lines = limits.linesPerSecond * limits.burstSeconds;
    this.#bytes = limits.bytesPerSecond * limits.burstSeconds;
    this.#filledAt = now;
  }

  /** Whether a line of this length is kept. */
  take(length: number, now: number): boolean {
    if (now > this.#filledAt) this.#fill(now);
    if (this.#lines < 1 || this.#bytes < length) {
      this.#dropped += 1;
      return false;
    }
    this.#lines -= 1;
    this.#bytes -= length;
    return true;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** How many were not kept since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #fill(now: number): void {
    const { linesPerSecond, bytesPerSecond, burstSeconds } = this.#limits;
    const seconds = (now - this.#filledAt) / 1000;
    this.#filledAt = now;
    this.#lines = Math.min(linesPerSecond * burstSeconds, this.#lines + linesPerSecond * seconds);
    this.#bytes = Math.min(bytesPerSecond * burstSeconds, this.#bytes + bytesPerSecond * seconds);
  }
}
