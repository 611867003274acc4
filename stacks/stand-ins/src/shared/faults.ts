import { BadCall, type Json } from "./call.ts";

type Check = (value: unknown) => boolean;

const wholeUpTo = (most: number): Check => {
  return (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most;
};
export const isFlag: Check = (value) => typeof value === "boolean";
export const isCount: Check = wholeUpTo(1_000_000);

const sharedDefaults = { status: 0, latencyMs: 0, down: false, times: 0 };
const sharedChecks: Record<string, Check> = {
  status: (value) => value === 0 || (wholeUpTo(599)(value) && Number(value) >= 200),
  latencyMs: wholeUpTo(60_000),
  down: isFlag,
  times: isCount,
};

export type SharedFaults = typeof sharedDefaults;

/** What one stand-in knows beyond the shared faults. */
export type OwnFaults<Own extends Json> = { defaults: Own; checks: Record<keyof Own & string, Check> };

/** The faults in force; set by the control API. */
export class Faults<Own extends Json = Json> {
  readonly #own: OwnFaults<Own>;
  #now: SharedFaults & Own;

  constructor(own: OwnFaults<Own>) {
    this.#own = own;
    this.#now = { ...sharedDefaults, ...own.defaults };
  }

  get now(): Readonly<SharedFaults & Own> {
    return this.#now;
  }

  reset(): void {
    this.#now = { ...sharedDefaults, ...this.#own.defaults };
  }

  set(wanted: Json): void {
    const checks: Record<string, Check> = { ...sharedChecks, ...this.#own.checks };
    for (const [key, value] of Object.entries(wanted)) {
      const check = checks[key];
      if (!check) throw new BadCall(`unknown fault ${key}; known: ${Object.keys(checks).join(", ")}`);
      if (!check(value)) throw new BadCall(`${key} has a wrong value`);
    }
    this.#now = { ...this.#now, ...wanted };
  }

  /** For faults that wear off: the stand-in counts them down itself. */
  change(part: Partial<Own>): void {
    this.#now = { ...this.#now, ...part };
  }

  /** The shared faults for one request, counted. */
  take(): SharedFaults {
    const { status, latencyMs, down, times } = this.#now;
    const taken = { status, latencyMs, down, times };
    if (times === 1) this.#now = { ...this.#now, ...sharedDefaults };
    else if (times > 1) this.#now = { ...this.#now, times: times - 1 };
    return taken;
  }
}
