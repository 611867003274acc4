import { describe, expect, it } from "vitest";
import { RateLimiter } from "./rate-limiter.ts";

describe("RateLimiter", () => {
  it("lets the burst through, then the rate, and says when to come back (R-026)", () => {
    const limiter = new RateLimiter({ requestsPerSecond: 2, burst: 3 });
    expect([1, 2, 3, 4].map(() => limiter.take("a", 0))).toEqual([0, 0, 0, 1]);
    expect(limiter.take("b", 0)).toBe(0);
    expect(limiter.take("a", 499)).toBe(1);
    expect(limiter.take("a", 500)).toBe(0);
    expect(limiter.take("a", 60_000)).toBe(0);
  });

  it("counts what another worker let through, and owes no more than one burst", () => {
    const limiter = new RateLimiter({ requestsPerSecond: 1, burst: 2 });
    limiter.spend("a", 100, 0);
    expect(limiter.take("a", 0)).toBe(3);
    expect(limiter.take("a", 3_000)).toBe(0);
  });

  it("forgets the oldest client when its table is full", () => {
    const limiter = new RateLimiter({ requestsPerSecond: 1, burst: 1 }, 3);
    for (const client of ["a", "b", "c", "d", "e"]) limiter.take(client, 0);
    expect(limiter.size).toBe(3);
    expect(limiter.take("e", 0)).toBe(1);
    expect(limiter.take("a", 0)).toBe(0);
  });
});
