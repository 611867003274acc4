import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RetainedSnapshot, retainSnapshots } from "./backup-retention.ts";

const day = 86_400_000;
const noon = Date.UTC(2026, 10, 21, 12);

function daily(count: number): RetainedSnapshot[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `d${at}`,
    takenAt: noon - at * day,
    verdict: "verified",
  }));
}

function kept(
  snapshots: readonly RetainedSnapshot[],
  rules: Parameters<typeof retainSnapshots>[1],
): string[] {
  return retainSnapshots(snapshots, rules)
    .filter(({ keep }) => keep)
    .map(({ id }) => id);
}

describe("retention (R-135)", () => {
  it("keeps seven of ten daily ones", () => {
    expect(kept(daily(10), { daily: 7 })).toEqual(["d0", "d1", "d2", "d3", "d4", "d5", "d6"]);
  });

  it("keeps the only one, however old", () => {
    expect(kept([{ id: "old", takenAt: noon - 400 * day, verdict: "verified" }], {})).toEqual(["old"]);
  });

  it.each(["suspect", "failed", "unverified"] as const)(
    "removes nothing while the newest is %s",
    (verdict) => {
      const bad: RetainedSnapshot = { id: "bad", takenAt: noon + day, verdict };
      expect(kept([bad, ...daily(30)], { daily: 1 })).toHaveLength(31);
    },
  );

  it("keeps weeks and months beyond the days, and what is pinned", () => {
    const pinned: RetainedSnapshot = {
      id: "pin",
      takenAt: noon - 300 * day,
      verdict: "failed",
      pinned: true,
    };
    const ids = kept([...daily(120), pinned], { daily: 2, weekly: 2, monthly: 3 });
    // 21 November 2026 is a Saturday: the week before ended on the 15th, October on the 31st, September on the 30th.
    expect(ids).toEqual(["d0", "d1", "d6", "d21", "d52", "pin"]);
  });

  it("never removes the last verified one, whatever came and whatever the rules", () => {
    const verdict = fc.constantFrom("verified", "suspect", "failed", "unverified");
    const snapshot = fc.record({ takenAt: fc.integer({ min: 0, max: noon }), verdict });
    const rules = fc.record({ last: fc.nat(3), daily: fc.nat(3), weekly: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(snapshot, { maxLength: 12 }), rules, (found, rule) => {
        const all = found.map(
          (one, at) => ({ ...one, id: `s${String(at).padStart(2, "0")}` }) as RetainedSnapshot,
        );
        const good = all.filter((one) => one.verdict === "verified");
        if (good.length === 0) return;
        const newest = Math.max(...good.map(({ takenAt }) => takenAt));
        const stays = new Set(kept(all, rule));
        expect(good.some(({ id, takenAt }) => takenAt === newest && stays.has(id))).toBe(true);
      }),
    );
  });
});
