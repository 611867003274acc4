import type { Histogram } from "../../../lib/histogram.ts";
import type { TargetCounters } from "../../port.ts";
import { addCounts, noCounts, type RawCounts, type ServerStat, subtractCounts } from "./counts.ts";
import { type Pool, type Slot, slotKey, type Truth } from "./truth.ts";

/** Counts and open sessions by slot (`7/3`), over all variants of a pool. */
export type SlotStats = ReadonlyMap<string, SlotStat>;

/** `streams` are the open TCP connections among the `open` sessions. */
type SlotStat = { counts: RawCounts; open: number; streams: number };

export function bySlot(stats: readonly ServerStat[]): Map<string, SlotStat> {
  const slots = new Map<string, SlotStat>();
  for (const { pool, server, counts, open } of stats) {
    if (!/^[pznylt]\d+$/.test(pool)) continue;
    const key = `${pool.slice(1)}/${server.slice(1)}`;
    const known = slots.get(key);
    slots.set(key, {
      counts: known ? addCounts(known.counts, counts) : counts,
      open: (known?.open ?? 0) + open,
      streams: (known?.streams ?? 0) + (pool.startsWith("t") ? open : 0),
    });
  }
  return slots;
}

/** Parses `show table upgraded`: open WebSockets by slot. */
export function parseUpgraded(text: string): Map<string, number> {
  const open = new Map<string, number>();
  for (const [, pool, server, count] of text.matchAll(/key=[pznyl](\d+)\/s(\d+) .*conn_cur=(\d+)/g)) {
    const key = `${pool}/${server}`;
    open.set(key, (open.get(key) ?? 0) + Number(count));
  }
  return open;
}

/** What the occupant of a slot has counted in all workers so far. */
export function countsOf(slot: Slot, raw: RawCounts | undefined): RawCounts {
  return addCounts(slot.carried, subtractCounts(raw ?? noCounts, slot.base));
}

/** Before the worker is replaced: what its slots counted is carried over, and they start from nothing. */
export function carryOver(truth: Truth, stats: SlotStats): Truth {
  return rebase(truth, (pool, slot) => countsOf(slot, stats.get(slotKey(pool, slot))?.counts));
}

/** After a worker was replaced unseen: what it counted since the last carry is lost. */
export function startOver(truth: Truth): Truth {
  return rebase(truth, (_pool, slot) => slot.carried);
}

function rebase(truth: Truth, carried: (pool: Pool, slot: Slot) => RawCounts): Truth {
  return {
    ...truth,
    pools: truth.pools.map((pool) => ({
      ...pool,
      slots: pool.slots.map((slot) => ({ ...slot, base: noCounts, carried: carried(pool, slot) })),
    })),
  };
}

/** The port's counters of every target, of those too that are on their way out. */
export function targetCounters(
  truth: Truth,
  read: {
    stats: SlotStats;
    upgraded: ReadonlyMap<string, number>;
    latencyOf(key: string): Histogram;
  },
): TargetCounters[] {
  return truth.pools.flatMap((pool) =>
    pool.slots.map((slot) => {
      const key = slotKey(pool, slot);
      const counts = countsOf(slot, read.stats.get(key)?.counts);
      const failures = counts.connectErrors + counts.responseErrors;
      const upgraded = (read.upgraded.get(key) ?? 0) + (read.stats.get(key)?.streams ?? 0);
      const { status1xx, status2xx, status3xx, status4xx, status5xx, other } = counts;
      return {
        target: slot.target,
        backend: pool.backend,
        requests: status1xx + status2xx + status3xx + status4xx + status5xx + other + failures,
        ...{ status2xx, status3xx, status4xx, status5xx, failures, upgraded },
        inFlight: Math.max(0, (read.stats.get(key)?.open ?? 0) - upgraded),
        latency: read.latencyOf(latencyKey(pool.backend, slot.target)),
      };
    }),
  );
}

export function latencyKey(backend: string, target: string): string {
  return `${backend}\n${target}`;
}
