import { describe, expect, it } from "vitest";
import { isCrashLooping, nextStartAt, defaultCrashPolicy as policy } from "./crash-loop.ts";

describe("crash loop (R-167)", () => {
  it("restarts the first death at once, later ones after 1, 2, 4 … seconds, at most a minute", () => {
    expect(nextStartAt([1000], 1000, policy)).toBe(0);
    expect(nextStartAt([0, 1000], 1000, policy)).toBe(2000);
    expect(nextStartAt([0, 500, 1000], 1000, policy)).toBe(3000);
    expect(
      nextStartAt(
        Array.from({ length: 20 }, () => 1000),
        1000,
        policy,
      ),
    ).toBe(61_000);
  });

  it("forgets deaths outside the window", () => {
    expect(nextStartAt([0, 1, 2], policy.windowMs + 10, policy)).toBe(0);
  });

  it("calls it a loop after the second failed restart", () => {
    expect(isCrashLooping([1, 2], 3, policy)).toBe(false);
    expect(isCrashLooping([1, 2, 3], 3, policy)).toBe(true);
  });
});
