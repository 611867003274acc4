import { messageOf } from "../lib/platform-error.ts";
import type { Sample } from "../telemetry/port.ts";
import type { Gauge, WatchParts } from "./parts.ts";

export const passMs = 10_000;
/** A part that takes longer is told to give up, and is not asked again before it has. */
const partLimitMs = 8000;

/** Without these nothing is served, or nothing is known. */
const essential = ["edge", "host"];
const silentMs = 4 * passMs;

/** Asks every part once in ten seconds, at full ten seconds, and records what each answers. */
export class Watch {
  readonly #parts: Pick<WatchParts, "telemetry" | "clock" | "log">;
  readonly #gauges: readonly Gauge[];
  readonly #listeners: readonly ((at: number, samples: readonly Sample[]) => void)[];
  readonly #busy = new Set<Gauge>();
  readonly #failing = new Set<Gauge>();
  #measuredAt = 0;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(
    parts: Pick<WatchParts, "telemetry" | "clock" | "log">,
    gauges: readonly Gauge[],
    listeners: readonly ((at: number, samples: readonly Sample[]) => void)[] = [],
  ) {
    this.#parts = parts;
    this.#gauges = gauges;
    this.#listeners = listeners;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the watch stops"));
    await this.#loop;
  }

  /** Why the platform itself is not well, in a few words; undefined while edge and host let themselves be measured. */
  illness(): string | undefined {
    const ill = this.#gauges.find((gauge) => essential.includes(gauge.name) && this.#failing.has(gauge));
    if (ill) return `${ill.name} can't be measured`;
    return this.#parts.clock.now() - this.#measuredAt > silentMs ? "nothing is measured" : undefined;
  }

  /** One pass; resolves when all parts have answered or given up. */
  async pass(at: number): Promise<void> {
    const idle = this.#gauges.filter((gauge) => !this.#busy.has(gauge));
    await Promise.all(idle.map((gauge) => this.#ask(gauge, at)));
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const now = clock.now();
      await clock.sleep(passMs - (now % passMs), signal).catch(() => undefined);
      // Not awaited: a slow part must not delay the next pass of the others.
      if (!signal.aborted) void this.pass(clock.now());
    }
  }

  async #ask(gauge: Gauge, at: number): Promise<void> {
    this.#busy.add(gauge);
    const { telemetry, clock, log } = this.#parts;
    try {
      const limit = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(partLimitMs)]);
      const samples = await gauge.read(limit);
      if (this.#stopping.signal.aborted) return;
      const when = clock.now() - at < passMs ? at : clock.now();
      telemetry.record(when, samples);
      if (essential.includes(gauge.name)) this.#measuredAt = when;
      for (const listener of this.#listeners) listener(when, samples);
      if (this.#failing.delete(gauge)) log("info", `${gauge.name} is measured again`);
    } catch (error) {
      if (this.#stopping.signal.aborted || this.#failing.has(gauge)) return;
      this.#failing.add(gauge);
      log("warn", `${gauge.name} can't be measured: ${messageOf(error)}`);
    } finally {
      this.#busy.delete(gauge);
    }
  }
}
