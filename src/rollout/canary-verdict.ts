import type { CanaryPolicy } from "../stack/stack.ts";

/** What the edge counted for one side of a canary since the canary began. */
export type Traffic = {
  requests: number;
  /** 5xx answers and requests without an answer. */
  errors: number;
  p95Ms?: number;
};

export type Verdict = { verdict: "pass" | "fail" | "inconclusive" | "undecided"; detail: string };

/**
 * Judges a canary on its own traffic. It fails as soon as the errors exceed what the whole minimum sample would be
 * allowed, or the p95 of a full sample is too high, and the stable side does better over the same time; at the end
 * of the stage it passes with a full sample and is inconclusive without one. Rule after Argo Rollouts' three-way
 * analysis (successful, failed, inconclusive) and the thresholds of R-083.
 */
export function judgeCanary(
  policy: CanaryPolicy,
  canary: Traffic,
  stable: Traffic,
  stageOver: boolean,
): Verdict {
  const sample = Math.max(canary.requests, policy.minRequests, 1);
  const measured = describe(canary);
  const tooManyErrors = canary.errors > policy.maxErrorRate * sample;
  const enough = canary.requests >= policy.minRequests;
  const tooSlow = enough && canary.p95Ms !== undefined && canary.p95Ms > policy.maxP95Seconds * 1000;
  if (tooManyErrors) {
    if (!worse(rate(canary), rate(stable), stable))
      return {
        verdict: stageOver ? "inconclusive" : "undecided",
        detail: `${measured}; the old release does no better (${describe(stable)})`,
      };
    return { verdict: "fail", detail: `${measured}; allowed are ${percent(policy.maxErrorRate)} errors` };
  }
  if (tooSlow) {
    if (!worse(canary.p95Ms ?? 0, stable.p95Ms ?? 0, stable))
      return {
        verdict: stageOver ? "inconclusive" : "undecided",
        detail: `${measured}; the old release is no faster (${describe(stable)})`,
      };
    return { verdict: "fail", detail: `${measured}; allowed is a p95 of ${policy.maxP95Seconds * 1000} ms` };
  }
  if (!stageOver) return { verdict: "undecided", detail: measured };
  if (!enough)
    return { verdict: "inconclusive", detail: `${measured}; a verdict needs ${policy.minRequests} requests` };
  return { verdict: "pass", detail: measured };
}

function rate(traffic: Traffic): number {
  return traffic.requests === 0 ? 0 : traffic.errors / traffic.requests;
}

/** Without traffic on the stable side there is nothing to excuse the canary with. */
function worse(canary: number, stable: number, stableTraffic: Traffic): boolean {
  return stableTraffic.requests === 0 || canary > stable;
}

function describe(traffic: Traffic): string {
  const p95 = traffic.p95Ms === undefined ? "" : `, p95 ${Math.round(traffic.p95Ms)} ms`;
  return `${traffic.requests} requests, ${percent(rate(traffic))} errors${p95}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
