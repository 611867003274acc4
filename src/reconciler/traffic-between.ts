import type { TargetCounters } from "../edge/port.ts";
import { addHistograms, type Histogram, quantileOf, subtractHistograms } from "../lib/histogram.ts";
import type { Traffic } from "../rollout/canary-verdict.ts";

/** What a group of targets served between two readings; targets that are new count from zero. */
export function trafficBetween(before: readonly TargetCounters[], now: readonly TargetCounters[]): Traffic {
  let latency: Histogram = {};
  let requests = 0;
  let errors = 0;
  for (const target of now) {
    const same = (other: TargetCounters) =>
      other.target === target.target && other.backend === target.backend;
    const earlier = before.find((other) => same(other) && other.requests <= target.requests);
    requests += target.requests - (earlier?.requests ?? 0);
    errors += target.status5xx + target.failures - (earlier ? earlier.status5xx + earlier.failures : 0);
    latency = addHistograms(latency, subtractHistograms(target.latency, earlier?.latency ?? {}));
  }
  const p95Ms = quantileOf(latency, 0.95);
  return { requests, errors, ...(p95Ms === undefined ? {} : { p95Ms }) };
}
