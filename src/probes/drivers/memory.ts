import type {
  DatabaseReader,
  DatabaseReading,
  DatabaseTarget,
  ProbeOutcome,
  Prober,
  ProbeTarget,
} from "../port.ts";

/** Answers what it was told for a host; without that, that all is well after 5 ms. */
export class MemoryProber implements Prober, DatabaseReader {
  readonly name = "memory";
  readonly asked: ProbeTarget[] = [];
  readonly #outcomes = new Map<string, ProbeOutcome | "silent">();
  readonly #readings = new Map<string, readonly DatabaseReading[] | Error>();

  /** `silent`: the server takes the connection and never answers. */
  answer(host: string, outcome: ProbeOutcome | "silent"): void {
    this.#outcomes.set(host, outcome);
  }

  holds(host: string, readings: readonly DatabaseReading[] | Error): void {
    this.#readings.set(host, readings);
  }

  async probe(target: ProbeTarget, timeoutMs: number, signal: AbortSignal): Promise<ProbeOutcome> {
    signal.throwIfAborted();
    this.asked.push(target);
    const outcome = this.#outcomes.get(target.host) ?? { ok: true, ms: 5 };
    if (outcome !== "silent") return outcome;
    const limit = AbortSignal.timeout(timeoutMs);
    await new Promise<void>((resolve, reject) => {
      limit.addEventListener("abort", () => resolve(), { once: true });
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return { ok: false, ms: timeoutMs, reason: `no answer within ${timeoutMs} ms` };
  }

  async read(target: DatabaseTarget): Promise<readonly DatabaseReading[]> {
    const readings = this.#readings.get(target.host) ?? [];
    if (readings instanceof Error) throw readings;
    return readings;
  }
}
