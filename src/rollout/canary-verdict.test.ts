import { describe, expect, it } from "vitest";
import { judgeCanary, type Traffic } from "./canary-verdict.ts";

const policy = { steps: [], maxErrorRate: 0.01, maxP95Seconds: 1, minRequests: 100 };
const traffic = (requests: number, errors = 0, p95Ms = 50): Traffic => ({ requests, errors, p95Ms });

describe("judgeCanary (R-083)", () => {
  it.each([
    ["2 % errors fail at once", traffic(200, 4), traffic(1800), false, "fail"],
    ["0.5 % errors pass at the end", traffic(200, 1), traffic(1800), true, "pass"],
    ["nothing is decided before the stage is over", traffic(200, 1), traffic(1800), false, "undecided"],
    ["too few requests are inconclusive", traffic(20), traffic(180), true, "inconclusive"],
    ["a slow p95 fails once the sample is full", traffic(100, 0, 1200), traffic(900), false, "fail"],
    ["a slow p95 of a small sample does not", traffic(99, 0, 1200), traffic(900), false, "undecided"],
    ["two errors out of two fail: a full sample may have one", traffic(2, 2), traffic(18), false, "fail"],
    ["one error out of two does not fail yet", traffic(2, 1), traffic(18), false, "undecided"],
    [
      "an outage that hits the old release alike is not the canary's",
      traffic(200, 100),
      traffic(1800, 900),
      true,
      "inconclusive",
    ],
    ["without stable traffic the limits alone count", traffic(200, 100), traffic(0), false, "fail"],
  ] as const)("%s", (_name, canary, stable, over, verdict) => {
    expect(judgeCanary(policy, canary, stable, over).verdict).toBe(verdict);
  });

  it("says the numbers it judged by", () => {
    expect(judgeCanary(policy, traffic(200, 4), traffic(1800), false).detail).toBe(
      "200 requests, 2 % errors, p95 50 ms; allowed are 1 % errors",
    );
  });
});
