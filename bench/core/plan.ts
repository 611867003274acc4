import type { Revision } from "../../src/rollout/ids.ts";
import { planRollout } from "../../src/rollout/plan-rollout.ts";
import { anInput, aRelease, aReplica, aService } from "../../src/rollout/planner-support.ts";
import type { RolloutInput } from "../../src/rollout/rollout-input.ts";
import { median } from "../median.ts";

const old = "aaaaaaaaaa" as Revision;
const fresh = "bbbbbbbbbb" as Revision;

/** A stack of that many services, two replicas each, every fourth waiting for the one before it, all of them changed. */
export function changedStack(count: number): RolloutInput {
  const services = (revision: Revision) =>
    Array.from({ length: count }, (_, index) =>
      aService(`service-${index}`, {
        revision,
        replicas: 2,
        dependsOn:
          index % 4 === 3 ? [{ service: `service-${index - 1}`, condition: "ready", required: true }] : [],
      }),
    );
  const base = aRelease("r1", services(old));
  const replicas = base.services.flatMap(({ name }) => [aReplica(name, old, 1), aReplica(name, old, 2)]);
  const targets = (name: string) =>
    replicas.filter((r) => r.service === name).map((r) => ({ replica: r.id, weight: 1 }));
  const routing = Object.fromEntries(
    base.services.map(({ name }) => [name, { targets: targets(name), hold: false }]),
  );
  const kept = Object.fromEntries(base.services.map(({ name }) => [name, [old]]));
  const observed = { replicas, routing, resourcesReady: true };
  return anInput(aRelease("r2", services(fresh)), { base, current: base.release, observed, kept });
}

/** Milliseconds to plan a change of 1,000 services: the median of 21 runs after a warm-up. */
export function planBench(): { services: number; steps: number; medianMs: number } {
  const input = changedStack(1000);
  const steps = planRollout(input).steps.length;
  const runs = Array.from({ length: 26 }, () => {
    const began = performance.now();
    planRollout(input);
    return performance.now() - began;
  });
  return { services: 1000, steps, medianMs: median(runs.slice(5)) };
}

if (import.meta.main) console.log(JSON.stringify(planBench()));
