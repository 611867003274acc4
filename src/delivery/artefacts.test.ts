import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { JobRunSpec } from "../build/port.ts";
import { World } from "../reconciler/world-support.ts";
import { forgetOldArtefacts } from "./artefacts.ts";
import { DeliveryWorld } from "./delivery-support.ts";

it("hands what a job keeps to the jobs that build on it, near and far (R-061)", async () => {
  const world = new World();
  await world.engine.reconciler.start();
  const d = new DeliveryWorld(world, { artefacts: "/kept" });
  const specs = new Map<string, JobRunSpec>();
  d.jobs.behave(async (spec) => {
    specs.set(spec.job.name, spec);
    return { ok: true, durationMs: 1 };
  });
  const jobs = {
    build: { steps: ["make"], artefacts: ["dist/**"] },
    pack: { steps: ["tar"], needs: ["build"], artefacts: ["out/**"] },
    lint: { steps: ["lint"] },
    test: { steps: ["test"], needs: ["pack", "lint"] },
  };
  const run = await d.over(d.push(d.commit({}, undefined, { pipeline: { on: { push: true }, jobs } })));
  expect(run.state).toBe("succeeded");
  expect(specs.get("build")).toMatchObject({ artefacts: `/kept/${run.id}/build`, given: [] });
  expect(specs.get("lint")?.given).toEqual([]);
  expect(specs.get("test")?.given).toEqual([`/kept/${run.id}/build`, `/kept/${run.id}/pack`]);
});

it("keeps those of the last runs only", async () => {
  const root = mkdtempSync(join(tmpdir(), "roadstead-artefacts-"));
  for (let run = 10; run < 40; run += 1) mkdirSync(join(root, `run_${run}`));
  await forgetOldArtefacts(root, "run_39");
  expect(readdirSync(root).sort()).toEqual(Array.from({ length: 21 }, (_, index) => `run_${19 + index}`));
});
