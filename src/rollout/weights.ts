import type { ReplicaId } from "./ids.ts";
import type { WeightedReplica } from "./step.ts";

/** HAProxy's weight range is 0..256; the narrowest of the drivers sets it for all. */
const maxWeight = 256;

/** Every replica gets the same share. */
export function equalWeights(replicas: readonly ReplicaId[]): WeightedReplica[] {
  return [...replicas].sort().map((replica) => ({ replica, weight: 1 }));
}

/** `percent` of new requests to `incoming`, the rest to `outgoing`, evenly within each group. */
export function splitWeights(
  incoming: readonly ReplicaId[],
  outgoing: readonly ReplicaId[],
  percent: number,
): WeightedReplica[] {
  if (outgoing.length === 0) return equalWeights(incoming);
  const weights = [
    ...incoming.map((replica) => ({ replica, weight: percent * outgoing.length })),
    ...outgoing.map((replica) => ({ replica, weight: (100 - percent) * incoming.length })),
  ];
  return reduce(weights).sort((a, b) => (a.replica < b.replica ? -1 : 1));
}

/** Same replicas in the same proportions. */
export function sameWeights(a: readonly WeightedReplica[], b: readonly WeightedReplica[]): boolean {
  const text = (weights: readonly WeightedReplica[]) =>
    reduce(weights.filter((target) => target.weight > 0))
      .map((target) => `${target.replica}=${target.weight}`)
      .sort()
      .join();
  return text(a) === text(b);
}

function reduce(weights: readonly WeightedReplica[]): WeightedReplica[] {
  const divisor = weights.reduce((gcd, target) => greatestCommonDivisor(gcd, target.weight), 0) || 1;
  const reduced = weights.map((target) => ({ ...target, weight: target.weight / divisor }));
  const largest = Math.max(0, ...reduced.map((target) => target.weight));
  if (largest <= maxWeight) return reduced;
  return reduced.map((target) => ({
    ...target,
    weight: target.weight === 0 ? 0 : Math.max(1, Math.round((target.weight * maxWeight) / largest)),
  }));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
