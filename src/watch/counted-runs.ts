import type { DatabaseReading, SeenStatement, SlowStatement } from "../probes/port.ts";

/** `ms`: of one run; of several the mean. */
export type SlowFound = { text: string; ms: number; calls: number };

type Before = {
  statements: DatabaseReading["statements"];
  slow: ReadonlyMap<string, SlowStatement>;
  /** Key -> whether it was counted as slow already. */
  seen: ReadonlyMap<string, boolean>;
};

/** What came between two readings of a server; the first is what is counted from. */
export class CountedRuns {
  readonly #before = new Map<string, Before>();

  since(
    reading: DatabaseReading,
    slowMs: number,
  ): { slow: SlowFound[]; times: { ms: number; calls: number }[] } {
    const before = this.#before.get(reading.database);
    const slow = new Map((reading.slow ?? []).map((one) => [one.key, one]));
    const seen = new Map((reading.seen ?? []).map(({ key, ms }) => [key, ms >= slowMs]));
    this.#before.set(reading.database, { statements: reading.statements, slow, seen });
    if (!before) return { slow: [], times: [] };
    const fresh = (reading.seen ?? []).filter(({ key }) => !before.seen.has(key));
    return {
      slow: [
        ...[...slow.values()].flatMap((now) => newlySlow(now, before.slow.get(now.key), slowMs)),
        ...(reading.seen ?? []).flatMap((one) => seenSlow(one, before.seen.get(one.key), slowMs)),
      ],
      times: [
        ...totalSince(reading.statements, before.statements),
        ...fresh.map(({ ms }) => ({ ms, calls: 1 })),
      ],
    };
  }
}

function totalSince(
  now: DatabaseReading["statements"],
  before: DatabaseReading["statements"],
): { ms: number; calls: number }[] {
  if (!now || !before) return [];
  const calls = now.calls - before.calls;
  const ms = now.ms - before.ms;
  // The server began anew, or somebody set its statistics back.
  if (calls <= 0 || ms < 0) return [];
  return [{ ms: ms / calls, calls }];
}

/** The server keeps totals and the longest run: all runs since count when their mean is slow, else one when it is the longest. */
function newlySlow(now: SlowStatement, before: SlowStatement | undefined, slowMs: number): SlowFound[] {
  const { text } = now;
  if (!before) return now.maxMs >= slowMs ? [{ text, ms: now.maxMs, calls: 1 }] : [];
  const calls = now.calls - before.calls;
  if (calls <= 0) return [];
  const ms = (now.ms - before.ms) / calls;
  if (ms >= slowMs) return [{ text, ms, calls }];
  return now.maxMs > before.maxMs && now.maxMs >= slowMs ? [{ text, ms: now.maxMs, calls: 1 }] : [];
}

function seenSlow({ text, ms }: SeenStatement, counted: boolean | undefined, slowMs: number): SlowFound[] {
  return ms >= slowMs && counted !== true ? [{ text, ms, calls: 1 }] : [];
}
