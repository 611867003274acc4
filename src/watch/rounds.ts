import type { Clock } from "../lib/clock.ts";

export type Round<T> = {
  key: string;
  everyMs: number;
  limitMs: number;
  run: (signal: AbortSignal) => Promise<T>;
};

/** What begins later than this could not end within its pass. */
const passLimitMs = 7500;

/**
 * Questions that each come round in their own time: a tenth of it sooner or later, so that they don't all come at once,
 * and so many at a time. One that hangs holds up its own place only; who finds none waits for the next pass.
 */
export class Rounds<T> {
  readonly #clock: Clock;
  readonly #width: number;
  readonly #random: () => number;
  readonly #due = new Map<string, number>();

  constructor(clock: Clock, options: { width?: number; random?: () => number } = {}) {
    this.#clock = clock;
    this.#width = options.width ?? 16;
    this.#random = options.random ?? Math.random;
  }

  /** Runs what is due and answers what came of it. `run` must not throw but for its signal. */
  async pass(rounds: readonly Round<T>[], signal: AbortSignal): Promise<T[]> {
    const begun = this.#clock.now();
    const keys = new Set(rounds.map(({ key }) => key));
    for (const key of this.#due.keys()) if (!keys.has(key)) this.#due.delete(key);
    const waiting = rounds
      .map((round) => ({ round, due: this.#dueOf(round, begun) }))
      .filter(({ due }) => due <= begun)
      .sort((a, b) => a.due - b.due);
    const found: T[] = [];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { round, due } = next;
        if (signal.aborted || this.#clock.now() + round.limitMs > begun + passLimitMs) continue;
        const later = due + round.everyMs * (0.9 + 0.2 * this.#random());
        this.#due.set(round.key, Math.max(later, begun));
        found.push(await round.run(signal));
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#width, waiting.length) }, worker));
    return found;
  }

  /** A new one begins somewhere within its first interval. */
  #dueOf({ key, everyMs }: Round<T>, now: number): number {
    const known = this.#due.get(key);
    if (known !== undefined) return known;
    const due = now + everyMs * this.#random();
    this.#due.set(key, due);
    return due;
  }
}
