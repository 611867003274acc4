import { bucketOf } from "../../lib/histogram.ts";
import type { TargetCounters } from "../port.ts";

/** Buckets from 10 µs to three hours; what lies outside counts in the outermost one. */
const firstBucket = bucketOf(0);
const buckets = bucketOf(3 * 3600 * 1000) - firstBucket + 1;

/** Counters of one target, cheap to bump on the hot path. */
export class TargetStats {
  requests = 0;
  failures = 0;
  inFlight = 0;
  upgraded = 0;
  readonly #classes = [0, 0, 0, 0, 0, 0];
  readonly #latency = new Uint32Array(buckets);

  /** A response head arrived `ms` after the request was handed to the target. */
  answered(status: number, ms: number): void {
    const statusClass = status >= 500 ? 5 : Math.floor(status / 100);
    this.#classes[statusClass] = (this.#classes[statusClass] ?? 0) + 1;
    const index = Math.min(bucketOf(ms) - firstBucket, buckets - 1);
    this.#latency[index] = (this.#latency[index] ?? 0) + 1;
  }

  read(target: string, backend: string): TargetCounters {
    const [, , status2xx = 0, status3xx = 0, status4xx = 0, status5xx = 0] = this.#classes;
    const latency: Record<number, number> = {};
    this.#latency.forEach((count, index) => {
      if (count > 0) latency[index + firstBucket] = count;
    });
    const { requests, failures, inFlight, upgraded } = this;
    return {
      ...{ target, backend, requests, status2xx, status3xx, status4xx, status5xx },
      ...{ failures, inFlight, upgraded, latency },
    };
  }
}

/** The counters of several workers for the same targets, added up. */
export function sumCounters(parts: readonly (readonly TargetCounters[])[]): TargetCounters[] {
  const sums = new Map<string, TargetCounters>();
  for (const counters of parts.flat()) {
    const key = `${counters.backend}\n${counters.target}`;
    const known = sums.get(key);
    sums.set(key, known === undefined ? counters : add(known, counters));
  }
  return [...sums.values()];
}

function add(a: TargetCounters, b: TargetCounters): TargetCounters {
  const latency: Record<number, number> = { ...a.latency };
  for (const [bucket, count] of Object.entries(b.latency))
    latency[Number(bucket)] = (latency[Number(bucket)] ?? 0) + count;
  return {
    target: a.target,
    backend: a.backend,
    requests: a.requests + b.requests,
    status2xx: a.status2xx + b.status2xx,
    status3xx: a.status3xx + b.status3xx,
    status4xx: a.status4xx + b.status4xx,
    status5xx: a.status5xx + b.status5xx,
    failures: a.failures + b.failures,
    inFlight: a.inFlight + b.inFlight,
    upgraded: a.upgraded + b.upgraded,
    latency,
  };
}
