import type { LogLine } from "../port.ts";

/** Lines in memory that readers can follow while they are written. */
export class MemoryLog {
  #lines: LogLine[] = [];
  #waiting: (() => void)[] = [];

  write(line: LogLine): void {
    this.#lines.push(line);
    this.wake();
  }

  /** Readers look again whether what they follow has ended. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Lines of a removed replica go with it. Readers that follow go on with what comes later. */
  removeReplica(replica: string): void {
    this.#lines = this.#lines.filter((line) => line.replica !== replica);
  }

  async *read(
    wanted: (line: LogLine) => boolean,
    options: { tail: number | undefined; follow: boolean; ended?: () => boolean },
    signal: AbortSignal,
  ): AsyncIterable<LogLine> {
    const kept = this.#lines.filter(wanted);
    const shown = options.tail === undefined ? kept : kept.slice(Math.max(0, kept.length - options.tail));
    const seen = new Set<LogLine>(this.#lines);
    yield* shown;
    while (options.follow && !signal.aborted) {
      const fresh = this.#lines.filter((line) => !seen.has(line));
      for (const line of fresh) {
        seen.add(line);
        if (wanted(line)) yield line;
      }
      if (fresh.length > 0) continue;
      if (options.ended?.()) return;
      await this.#nextWrite(signal);
    }
  }

  #nextWrite(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
