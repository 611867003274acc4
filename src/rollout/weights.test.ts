import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplicaId } from "./ids.ts";
import { sameWeights, splitWeights } from "./weights.ts";

const ids = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}` as ReplicaId);

describe("splitWeights", () => {
  it("gives the canary its share: exactly with equal counts, within 3 points with any (R-082)", () => {
    const count = fc.integer({ min: 1, max: 10 });
    fc.assert(
      fc.property(count, count, fc.integer({ min: 1, max: 99 }), (fresh, old, percent) => {
        const weights = splitWeights(ids("n", fresh), ids("o", old), percent);
        const total = weights.reduce((sum, target) => sum + target.weight, 0);
        const canary = weights.filter((t) => t.replica.startsWith("n")).reduce((sum, t) => sum + t.weight, 0);
        expect(Math.abs((canary / total) * 100 - percent)).toBeLessThan(fresh === old ? 0.01 : 3);
        expect(Math.max(...weights.map((t) => t.weight))).toBeLessThanOrEqual(256);
      }),
    );
  });

  it("compares proportions, not numbers", () => {
    const [a, b] = ids("a", 2) as [ReplicaId, ReplicaId];
    expect(
      sameWeights(
        [
          { replica: a, weight: 2 },
          { replica: b, weight: 4 },
        ],
        [
          { replica: b, weight: 2 },
          { replica: a, weight: 1 },
        ],
      ),
    ).toBe(true);
    expect(sameWeights([{ replica: a, weight: 1 }], [{ replica: b, weight: 1 }])).toBe(false);
  });
});
