import { describe, expect, it } from "vitest";
import { closedBy, type Freeze, nextOpening } from "./freeze.ts";

const at = (text: string) => Date.parse(`${text}Z`);
const shop = { stack: "shop", environment: "production" };
const none = { freezes: [], windows: [] };

describe("freeze (R-156)", () => {
  const now = at("2026-11-21T12:00");
  const held = (freeze: Partial<Freeze>) =>
    closedBy({ ...none, freezes: [{ reason: "Black Friday", ...freeze }] }, shop, now);

  it("holds for its stack and environment until its end", () => {
    expect(held({})).toEqual({ why: "frozen: Black Friday" });
    expect(held({ environment: "production", until: now + 1 })).toEqual({
      until: now + 1,
      why: "frozen: Black Friday",
    });
    expect(held({ until: now })).toBeUndefined();
    expect(held({ environment: "staging" })).toBeUndefined();
    expect(held({ stack: "other" })).toBeUndefined();
    expect(closedBy(none, shop, now)).toBeUndefined();
  });
});

describe("maintenance windows (R-156)", () => {
  const tuesday = { days: [2], from: 120, to: 240 };
  const overnight = { days: [5], from: 23 * 60, to: 60 };

  it.each([
    // 21 November 2026 is a Saturday.
    ["2026-11-21T12:00", "2026-11-24T02:00"],
    ["2026-11-24T01:59", "2026-11-24T02:00"],
    ["2026-11-24T04:00", "2026-12-01T02:00"],
  ])("at %s the next opens at %s", (now, opens) => {
    expect(nextOpening([tuesday], at(now))).toBe(at(opens));
  });

  it.each(["2026-11-24T02:00", "2026-11-24T03:59"])("at %s one is open", (now) => {
    expect(nextOpening([tuesday], at(now))).toBeUndefined();
  });

  it("reaches over midnight", () => {
    expect(nextOpening([overnight], at("2026-11-20T23:30"))).toBeUndefined();
    expect(nextOpening([overnight], at("2026-11-21T00:59"))).toBeUndefined();
    expect(nextOpening([overnight], at("2026-11-21T01:00"))).toBe(at("2026-11-27T23:00"));
  });

  it("says when the next one opens, and counts after a freeze", () => {
    const now = at("2026-11-21T12:00");
    expect(closedBy({ freezes: [], windows: [tuesday] }, shop, now)).toEqual({
      until: at("2026-11-24T02:00"),
      why: "outside the maintenance windows",
    });
  });
});
