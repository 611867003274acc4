import type { Backend, EdgeConfig, TargetId } from "../../port.ts";
import { noCounts, type RawCounts } from "./counts.ts";

/**
 * What one HAProxy should run, as data: the configuration plus where its backends and targets live. HAProxy has a
 * fixed number of pools (backends) and slots (servers) from its start; assigning them at run time is what makes
 * a new service or a new target possible without a reload.
 */
export type Truth = {
  version: number;
  /** Without the certificates' keys: they are in files of their own. */
  config: EdgeConfig;
  pools: readonly Pool[];
  size: PoolSize;
  /** Process id of the worker that the slots' `base` counts belong to; 0 before the first start. */
  worker: number;
};

export type PoolSize = { pools: number; slots: number };

export type Pool = { index: number; backend: string; slots: readonly Slot[] };

/** One target in one slot. A target that left its backend stays, retired, until its last connection has ended. */
export type Slot = {
  index: number;
  target: TargetId;
  /** An IP address. */
  host: string;
  port: number;
  /** Of 256. */
  weight: number;
  retired: boolean;
  /** When the target took the slot, in epoch milliseconds: older log lines belong to its predecessor. */
  since: number;
  /** What the slot had counted when the target took it. */
  base: RawCounts;
  /** What the target had counted in workers that are gone. */
  carried: RawCounts;
};

/**
 * The ways a pool exists in HAProxy: plain (p) and compressing (z) for methods that may be sent twice, the same for
 * those that may not (n, y), and with the body limit for requests without a length (l).
 */
export const httpVariants = ["p", "z", "n", "y", "l"] as const;

export const defaultSize: PoolSize = { pools: 32, slots: 8 };

export function emptyTruth(size: PoolSize = defaultSize): Truth {
  return {
    version: 0,
    config: { routes: [], backends: [], internal: [], certificates: [], trustedProxies: [] },
    pools: [],
    size,
    worker: 0,
  };
}

export type NextInput = {
  version: number;
  config: EdgeConfig;
  /** Epoch milliseconds. */
  now: number;
  /** Host names of targets -> IP addresses; addresses may be missing. */
  addresses: ReadonlyMap<string, string>;
  /** Counts of slots that are free now, by `pool/slot`, so that a new occupant starts from nothing. */
  counts: ReadonlyMap<string, RawCounts>;
  /** Retired slots, by `pool/slot`, that have no connection any more. */
  ended: ReadonlySet<string>;
};

/** The truth after a configuration is taken over. Pools and slots keep their place; grows when they run out. */
export function nextTruth(current: Truth, input: NextInput): Truth {
  const { config } = input;
  const wanted = new Set(config.backends.map((backend) => backend.id));
  const kept = current.pools.flatMap((pool) => {
    const slots = pool.slots.filter((slot) => !(slot.retired && input.ended.has(slotKey(pool, slot))));
    return wanted.has(pool.backend) || slots.length > 0 ? [{ ...pool, slots }] : [];
  });
  const used = new Set(kept.map((pool) => pool.index));
  const pools = kept.map((pool) =>
    fill(
      pool,
      config.backends.find((backend) => backend.id === pool.backend),
      input,
    ),
  );
  for (const backend of config.backends) {
    if (pools.some((pool) => pool.backend === backend.id)) continue;
    const index = firstFree(used);
    used.add(index);
    pools.push(fill({ index, backend: backend.id, slots: [] }, backend, input));
  }
  pools.sort((a, b) => a.index - b.index);
  const slotsNeeded = Math.max(1, ...pools.flatMap((pool) => pool.slots.map((slot) => slot.index)));
  const poolsNeeded = Math.max(1, ...pools.map((pool) => pool.index));
  return {
    version: input.version,
    config: { ...config, certificates: config.certificates.map((one) => ({ ...one, key: "" })) },
    pools,
    size: { pools: grow(current.size.pools, poolsNeeded), slots: grow(current.size.slots, slotsNeeded) },
    worker: current.worker,
  };
}

export function slotKey(pool: Pick<Pool, "index">, slot: Pick<Slot, "index">): string {
  return `${pool.index}/${slot.index}`;
}

/** Names a target's address as `addresses` of `NextInput` knows it. */
function fill(pool: Pool, backend: Backend | undefined, input: NextInput): Pool {
  const targets = backend?.targets ?? [];
  const weights = scaleWeights(targets.map((target) => target.weight));
  const taken = new Set(pool.slots.map((slot) => slot.index));
  const stay = new Set<number>();
  const slots: Slot[] = [];
  for (const [at, target] of targets.entries()) {
    const host = input.addresses.get(target.host) ?? target.host;
    const weight = weights[at] ?? 0;
    const old = pool.slots.find((slot) => slot.target === target.id && slot.host === host);
    if (old && old.port === target.port && !stay.has(old.index)) {
      stay.add(old.index);
      slots.push({ ...old, weight, retired: false });
      continue;
    }
    const index = firstFree(taken);
    taken.add(index);
    const base = input.counts.get(slotKey(pool, { index })) ?? noCounts;
    slots.push({
      ...{ index, target: target.id, host, port: target.port, weight },
      ...{ retired: false, since: input.now, base, carried: noCounts },
    });
  }
  const left = pool.slots.filter((slot) => !stay.has(slot.index));
  slots.push(...left.map((slot) => ({ ...slot, weight: 0, retired: true })));
  return { ...pool, slots: slots.sort((a, b) => a.index - b.index) };
}

/** HAProxy knows weights 0 to 256; the largest keeps its ratio to the others, and nobody with weight falls to 0. */
export function scaleWeights(weights: readonly number[]): number[] {
  const largest = Math.max(0, ...weights);
  const whole = weights.every((weight) => Number.isInteger(weight));
  const factor = whole && largest <= 256 ? 1 : 256 / largest;
  return weights.map((weight) => (weight <= 0 ? 0 : Math.max(1, Math.round(weight * factor))));
}

function firstFree(taken: ReadonlySet<number>): number {
  let index = 1;
  while (taken.has(index)) index += 1;
  return index;
}

/** Doubling, so that growing (a reload) stays rare. */
function grow(size: number, needed: number): number {
  let grown = size;
  while (grown < needed) grown *= 2;
  return grown;
}
