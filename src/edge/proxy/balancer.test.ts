import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Balancer } from "./balancer.ts";

const target = (id: string, weight: number) => ({ id, weight, ejectedUntil: 0 });

describe("Balancer", () => {
  it("gives every target exactly its weight within one turn, whatever the weights (R-082)", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 6 }), (weights) => {
        const balancer = new Balancer<ReturnType<typeof target>>();
        balancer.update(weights.map((weight, at) => target(`t${at}`, weight)));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const seen = new Map<string, number>();
        for (let n = 0; n < total; n += 1) {
          const picked = balancer.pick(0)?.id ?? "none";
          seen.set(picked, (seen.get(picked) ?? 0) + 1);
        }
        expect(weights.map((_, at) => seen.get(`t${at}`) ?? 0)).toEqual(weights);
      }),
    );
  });

  it("keeps shares when the same weights are applied between picks", () => {
    const balancer = new Balancer<ReturnType<typeof target>>();
    let canary = 0;
    for (let n = 0; n < 1_000; n += 1) {
      balancer.update([target("a", 90), target("b", 10)]);
      if (balancer.pick(0)?.id === "b") canary += 1;
    }
    expect(canary).toBe(100);
  });

  it("passes by an ejected target, and takes it rather than nothing", () => {
    const balancer = new Balancer<ReturnType<typeof target>>();
    balancer.update([{ ...target("a", 1), ejectedUntil: 10 }, target("b", 1)]);
    expect([1, 2, 3].map(() => balancer.pick(5)?.id)).toEqual(["b", "b", "b"]);
    expect(balancer.pick(5, new Set(["b"]))?.id).toBe("a");
    expect(balancer.pick(5, new Set(["a", "b"]))).toBeUndefined();
  });
});
