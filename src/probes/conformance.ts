import { describe, expect, it } from "vitest";
import type { Prober, ProbeTarget } from "./port.ts";

export type ProberWorld = {
  prober: () => Prober;
  /** A server that answers, one whose port nobody listens on, one that takes the connection and says nothing. */
  good: () => ProbeTarget;
  dead: () => ProbeTarget;
  silent: () => ProbeTarget;
};

const generous = 10_000;
const signal = AbortSignal.timeout(120_000);

/** What every prober must hold, here with one protocol. */
export function proberConformance(name: string, world: ProberWorld): void {
  describe(`prober conformance: ${name}`, () => {
    it("answers how long it took", async () => {
      const outcome = await world.prober().probe(world.good(), generous, signal);
      expect(outcome).toEqual({ ok: true, ms: expect.any(Number) });
      expect(outcome.ms).toBeGreaterThan(0);
    });

    it("answers why it failed, and does not throw", async () => {
      const outcome = await world.prober().probe(world.dead(), generous, signal);
      expect(outcome).toEqual({ ok: false, ms: expect.any(Number), reason: expect.stringMatching(/\S/) });
    });

    it("ends at its time limit", async () => {
      const outcome = await world.prober().probe(world.silent(), 150, signal);
      expect(outcome).toMatchObject({ ok: false, reason: "no answer within 150 ms" });
      expect(outcome.ms).toBeLessThan(generous);
    });

    it("rejects with the signal's reason", async () => {
      const why = new Error("the watch stops");
      await expect(world.prober().probe(world.good(), generous, AbortSignal.abort(why))).rejects.toBe(why);
      const stopping = new AbortController();
      const late = world.prober().probe(world.silent(), generous, stopping.signal);
      setTimeout(() => stopping.abort(why), 20);
      await expect(late).rejects.toBe(why);
    });
  });
}
