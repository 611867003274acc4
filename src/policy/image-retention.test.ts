import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retainImages, type ScopeOfImages } from "./image-retention.ts";

const digest = (n: number) => `sha256:${n}`;
const image = (n: number, inUse = false) => ({ stack: "shop", service: "web", digest: digest(n), inUse });
const release = (n: number, of = n) => ({
  id: `rel_${n}`,
  number: n,
  images: { web: { digest: digest(of), reference: "web:1" } },
});

const anyScope: fc.Arbitrary<ScopeOfImages> = fc
  .record({
    releases: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 20 }),
    digests: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 40, maxLength: 40 }),
    current: fc.option(fc.nat(19), { nil: undefined }),
    warm: fc.array(fc.nat(19), { maxLength: 3 }),
  })
  .map(({ releases, digests, current, warm }) => ({
    stack: "shop",
    releases: releases.map((n) => release(n, digests[n - 1] ?? 1)),
    current: current === undefined ? undefined : `rel_${releases[current]}`,
    warm: warm.map((index) => `rel_${releases[index]}`),
  }));
const anyPresent = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 15 }), fc.boolean()).map(([n, inUse]) => image(n, inUse)),
);

describe("which images stay on a host (R-060)", () => {
  it("names the reason for each", () => {
    const scope = {
      stack: "shop",
      releases: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => release(n)),
      current: "rel_2",
      warm: ["rel_3"],
    };
    const present = [1, 2, 3, 4, 5, 9].map((n) => image(n, n === 4));
    const kept = retainImages(present, [scope], 5);
    expect(kept.map(({ digest: d, keeping }) => `${d} ${keeping}`)).toEqual([
      "sha256:1 removable",
      "sha256:2 live",
      "sha256:3 warm",
      "sha256:4 in use",
      "sha256:5 last",
      "sha256:9 last",
    ]);
  });

  it("never removes what is live, warm, used, or among the last N, in any environment", () => {
    fc.assert(
      fc.property(
        fc.array(anyScope, { maxLength: 3 }),
        anyPresent,
        fc.nat(8),
        (scopes, present, keepLast) => {
          const removed = retainImages(present, scopes, keepLast).filter((i) => i.keeping === "removable");
          const gone = new Set(removed.map((one) => one.digest));
          expect(removed.every(({ inUse }) => !inUse)).toBe(true);
          for (const { releases, current, warm } of scopes) {
            const last = [...releases].sort((a, b) => b.number - a.number).slice(0, keepLast);
            const needed = releases.filter(({ id }) => id === current || warm.includes(id));
            for (const { images } of [...last, ...needed])
              expect(gone.has(images["web"]?.digest ?? "")).toBe(false);
          }
        },
      ),
    );
  });

  it("removes everything else, and invents nothing", () => {
    fc.assert(
      fc.property(anyScope, anyPresent, (scope, present) => {
        const all = retainImages(present, [scope], 0);
        expect(all.map(({ digest: d }) => d)).toEqual(present.map(({ digest: d }) => d));
        const needed = scope.releases.filter(({ id }) => id === scope.current || scope.warm.includes(id));
        const kept = new Set(needed.map(({ images }) => images["web"]?.digest));
        for (const { keeping, inUse, digest: d } of all)
          expect(keeping === "removable").toBe(!inUse && !kept.has(d));
      }),
    );
  });
});
