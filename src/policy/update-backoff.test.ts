import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstPollSeconds, isAlertDue, pollDelaySeconds } from "./update-backoff.ts";

const anyKey = fc.string({ minLength: 1 });
const anyEvery = fc.integer({ min: 1, max: 7 * 86_400 });

describe("when a registry is asked again (R-150)", () => {
  it("never later than said, and at most a tenth earlier, while all is well", () => {
    fc.assert(
      fc.property(anyKey, anyEvery, (key, everySeconds) => {
        const delay = pollDelaySeconds({ key, everySeconds, failures: 0 });
        expect(delay).toBeLessThanOrEqual(everySeconds);
        expect(delay).toBeGreaterThanOrEqual(everySeconds * 0.9);
        expect(pollDelaySeconds({ key, everySeconds, failures: 0 }), "the same each time").toBe(delay);
        expect(firstPollSeconds(key, everySeconds)).toBeLessThanOrEqual(everySeconds);
      }),
    );
  });

  it("ever more seldom while it fails, within six hours or the interval", () => {
    fc.assert(
      fc.property(anyKey, anyEvery, fc.integer({ min: 1, max: 100 }), (key, everySeconds, failures) => {
        const delay = pollDelaySeconds({ key, everySeconds, failures });
        expect(delay).toBeGreaterThanOrEqual(pollDelaySeconds({ key, everySeconds, failures: failures - 1 }));
        expect(delay).toBeLessThanOrEqual(Math.max(6 * 3600, everySeconds));
      }),
    );
  });

  it("not before the time that the registry asked for", () => {
    const busy = { key: "a", everySeconds: 10, failures: 1, retryAfterSeconds: 600 };
    expect(pollDelaySeconds(busy)).toBe(600);
  });

  it("differs between services", () => {
    const keys = Array.from({ length: 100 }, (_, n) => `shop/production/web-${n}`);
    const delays = keys.map((key) => pollDelaySeconds({ key, everySeconds: 300, failures: 0 }));
    expect(new Set(delays).size).toBeGreaterThan(90);
    const early = keys.filter((key) => firstPollSeconds(key, 300) < 150).length;
    expect(early, "spread over the interval").toBeGreaterThan(30);
    expect(early).toBeLessThan(70);
  });

  it("tells somebody once, after the third failure", () => {
    expect([1, 2, 3, 4, 5, 20].filter(isAlertDue)).toEqual([3]);
  });
});
