import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StrategyName } from "../stack/stack.ts";
import type { DesiredService } from "./desired.ts";
import type { Revision } from "./ids.ts";
import { isServing, planRollout } from "./plan-rollout.ts";
import { after, anInput, aRelease, aService, nothing, running, runToEnd } from "./planner-support.ts";
import { isStopFirst, type RolloutInput } from "./rollout-input.ts";
import { stepKey } from "./step.ts";

const revisions = ["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"] as Revision[];
const strategies: StrategyName[] = ["blue-green", "canary", "rolling", "recreate", "singleton"];

const service = (name: string, earlier: readonly string[]): fc.Arbitrary<DesiredService> =>
  fc
    .record({
      revision: fc.constantFrom(...revisions),
      strategy: fc.constantFrom(...strategies),
      replicas: fc.integer({ min: 1, max: 3 }),
      routed: fc.boolean(),
      oneShot: fc.boolean(),
      stopped: fc.boolean().map((value) => value),
      hasSmoke: fc.boolean(),
      job: fc.boolean(),
      dependsOn: fc.subarray([...earlier]),
      condition: fc.constantFrom("started" as const, "ready" as const),
    })
    .map((r) => {
      const strategy = r.oneShot ? "recreate" : r.strategy;
      return aService(name, {
        revision: r.revision,
        strategy,
        replicas: strategy === "singleton" ? 1 : r.replicas,
        routed: r.routed && !r.oneShot,
        oneShot: r.oneShot,
        hasSmoke: r.hasSmoke && r.routed && !r.oneShot,
        dependsOn: r.dependsOn.map((to) => ({ service: to, condition: r.condition, required: true })),
        ...(r.job ? { releaseJob: { timeoutSeconds: 60 } } : {}),
        ...(strategy === "canary"
          ? {
              canary: {
                steps: [{ weight: 10, forSeconds: 60 }],
                maxErrorRate: 0.01,
                maxP95Seconds: 1,
                minRequests: 10,
              },
            }
          : {}),
      });
    });

const services = fc
  .tuple(service("a", []), service("b", ["a"]), service("c", ["a", "b"]), service("d", ["c"]))
  .chain((all) => fc.subarray(all, { minLength: 1 }));

const transition = fc.record({ before: services, now: services });

function deployment(before: DesiredService[], now: DesiredService[]): RolloutInput {
  const world = running(aRelease("r1", before));
  const kept = Object.fromEntries(before.map((s) => [s.name, [s.revision]]));
  return { ...world, mode: "deploy", base: world.target, target: aRelease("r2", now), done: new Set(), kept };
}

describe("planRollout: properties", () => {
  it("ends: after all steps everything serves and the next plan is empty", () => {
    fc.assert(
      fc.property(transition, ({ before, now }) => {
        const { input } = runToEnd(deployment(before, now));
        expect(isServing(input)).toBe(true);
        expect(planRollout(input).steps).toEqual([]);
        const steady: RolloutInput = { ...input, mode: "steady" };
        expect(planRollout(steady).steps).toEqual([]);
      }),
    );
  });

  it("names no step twice, on the way there, back and down", () => {
    const twice = (input: RolloutInput) => {
      const keys = planRollout(input).steps.map(({ step }) => stepKey(step));
      expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    };
    fc.assert(
      fc.property(transition, ({ before, now }) => {
        const forward = deployment(before, now);
        twice(forward);
        const { input } = runToEnd(forward, twice);
        const back: RolloutInput = {
          ...input,
          mode: "switch",
          base: input.target,
          target: aRelease("r1", before),
        };
        for (const mode of ["switch", "down"] as const) {
          const target = mode === "down" ? aRelease("none", []) : back.target;
          const start: RolloutInput = { ...back, mode, target, done: new Set() };
          twice(start);
          runToEnd(start, twice);
        }
      }),
    );
  });

  it("same input, same plan", () => {
    fc.assert(
      fc.property(transition, ({ before, now }) => {
        const input = deployment(before, now);
        expect(planRollout(input)).toEqual(planRollout(structuredClone(input)));
      }),
    );
  });

  it("keeps a ready, routed target after every step, unless the plan said beforehand that it can't", () => {
    fc.assert(
      fc.property(transition, ({ before, now }) => {
        const start = deployment(before, now);
        const announced = new Set(planRollout(start).notes.map((note) => note.service));
        const watched = now.filter(
          (s) => s.routed && before.some((b) => b.name === s.name && b.routed) && !announced.has(s.name),
        );
        runToEnd(start, (input, step) => {
          for (const { name } of watched) {
            const targets = input.observed.routing[name]?.targets.filter((t) => t.weight > 0) ?? [];
            const healthy = targets.filter((t) =>
              input.observed.replicas.some((r) => r.id === t.replica && r.ready),
            );
            expect(healthy.length, `${name} after ${step.kind}`).toBeGreaterThan(0);
            expect(healthy.length, `only ready targets after ${step.kind}`).toBe(targets.length);
          }
        });
      }),
    );
  });

  it("never runs two generations of a stop-first service at once", () => {
    fc.assert(
      fc.property(transition, ({ before, now }) => {
        runToEnd(deployment(before, now), (input) => {
          for (const desired of now.filter((s) => isStopFirst(s) && !s.oneShot)) {
            if (!before.some((b) => b.name === desired.name && isStopFirst(b))) continue;
            const live = input.observed.replicas.filter(
              (r) => r.service === desired.name && r.state === "running",
            );
            expect(new Set(live.map((r) => r.revision)).size).toBeLessThanOrEqual(1);
          }
        });
      }),
    );
  });

  it("returns to the earlier release from wherever the way forward was cut off", () => {
    fc.assert(
      fc.property(transition, fc.nat(60), ({ before, now }, cut) => {
        const forward = deployment(before, now);
        const steps = runToEnd(forward).taken.slice(0, cut);
        const reached = steps.reduce(after, forward);
        if (!forward.base || reached.current === "r2") return;
        const kept = Object.fromEntries([...before, ...now].map((s) => [s.name, revisions]));
        const back: RolloutInput = {
          ...reached,
          mode: "switch",
          base: forward.target,
          target: forward.base,
          done: new Set(),
          kept,
        };
        const { input } = runToEnd(back);
        expect(isServing(input)).toBe(true);
        expect(input.current).toBe("r1");
      }),
    );
  });

  it("brings up any release from nothing", () => {
    fc.assert(
      fc.property(services, (all) => {
        expect(isServing(runToEnd(anInput(aRelease("r1", all), { observed: nothing })).input)).toBe(true);
      }),
    );
  });
});
