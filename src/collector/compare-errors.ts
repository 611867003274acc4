import type { LogFilter, LogStore } from "../logs/port.ts";
import { searchLimit } from "../logs/port.ts";
import { normalisedMessage } from "../policy/log-line.ts";
import type { Scope } from "../rollout/ids.ts";

/** One fault, by its message without the parts that vary. */
export type FaultCount = {
  service: string;
  message: string;
  count: number;
  /** Of the other release. */
  before: number;
  firstAt: number;
  lastAt: number;
  /** A line as it was written. */
  example: string;
};

export type ErrorComparison = {
  /** Not seen in the other release. */
  appeared: readonly FaultCount[];
  /** Seen in both. */
  stayed: readonly FaultCount[];
  /** Seen in the other release only; their times are of then. */
  vanished: readonly FaultCount[];
  /** The releases have more errors than were read. */
  cut: boolean;
};

/** The newest so many error lines of a release are read. */
const readLimit = 50_000;
const faultLimit = 2000;
const exampleLength = 1000;

/** Which errors a release has that another had not, and the reverse. Both sides are lines of level error or worse. */
export async function compareErrors(
  logs: LogStore,
  of: { scope: Scope; release: string; against: string; services?: readonly string[] },
  signal: AbortSignal,
): Promise<ErrorComparison> {
  const { scope, release, against, services } = of;
  const filter: LogFilter = { scopes: [scope], level: "error", ...(services ? { services } : {}) };
  const now = await faultsOf(logs, { ...filter, release }, signal);
  const then = await faultsOf(logs, { ...filter, release: against }, signal);
  for (const [key, fault] of now.faults) fault.before = then.faults.get(key)?.count ?? 0;
  const vanished = [...then.faults].filter(([key]) => !now.faults.has(key));
  return {
    appeared: byCount([...now.faults.values()].filter(({ before }) => before === 0)),
    stayed: byCount([...now.faults.values()].filter(({ before }) => before > 0)),
    vanished: byCount(vanished.map(([, fault]) => ({ ...fault, before: fault.count, count: 0 }))),
    cut: now.cut || then.cut,
  };
}

async function faultsOf(
  logs: LogStore,
  filter: LogFilter,
  signal: AbortSignal,
): Promise<{ faults: Map<string, FaultCount>; cut: boolean }> {
  const faults = new Map<string, FaultCount>();
  let read = 0;
  for (let before: string | undefined; ; ) {
    const page = await logs.search(
      { ...filter, limit: searchLimit, ...(before === undefined ? {} : { before }) },
      signal,
    );
    for (const { service, text, at } of page.lines) {
      const message = normalisedMessage(text);
      const known = faults.get(`${service}\n${message}`);
      if (known) {
        known.count += 1;
        known.firstAt = Math.min(known.firstAt, at);
        known.lastAt = Math.max(known.lastAt, at);
      } else if (faults.size < faultLimit) {
        const example = text.slice(0, exampleLength);
        faults.set(`${service}\n${message}`, {
          ...{ service, message, count: 1, before: 0, firstAt: at, lastAt: at, example },
        });
      }
    }
    read += page.lines.length;
    before = page.next;
    if (before === undefined) return { faults, cut: faults.size >= faultLimit };
    if (read >= readLimit) return { faults, cut: true };
  }
}

function byCount(faults: readonly FaultCount[]): FaultCount[] {
  return faults.toSorted((a, b) => b.count + b.before - a.count - a.before);
}
