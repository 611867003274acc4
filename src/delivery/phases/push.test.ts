import { describe, expect, it } from "vitest";
import { Publisher } from "../../publish/publisher.ts";
import { aStackService, World } from "../../reconciler/world-support.ts";
import { MemoryRegistry } from "../../registry/drivers/memory.ts";
import { savedImage } from "../../registry/store-conformance.ts";
import type { ComposeService } from "../../stack/compose-model.ts";
import { DeliveryWorld } from "../delivery-support.ts";
import { buildPhase } from "./build.ts";
import { deployPhase } from "./deploy.ts";
import { fetchPhase } from "./fetch.ts";
import { pushPhase } from "./push.ts";

const repository = "git.acme.test/team/web";
const signal = AbortSignal.timeout(20_000);
const compose = {
  image: `${repository}:1.0.0`,
  build: { context: "." },
  "x-roadstead": { image: { push: true, tags: ["latest"] } },
} as unknown as ComposeService;

async function start() {
  const world = new World();
  await world.engine.reconciler.start();
  const registry = new MemoryRegistry();
  const { store, runtime, clock } = world.parts();
  const publisher = new Publisher({ store, runtime, registry, clock });
  const phases = [fetchPhase, buildPhase, pushPhase((...call) => publisher.publish(...call)), deployPhase];
  const d = new DeliveryWorld(world, { phases });
  const push = (text: string, settings: Record<string, ComposeService> = { web: compose }) => {
    world.runtime.archives.set(`${repository}:1.0.0`, savedImage(["base", text]).archive);
    const service = aStackService("web", { compose: compose as never });
    return d.over(d.push(d.commit({}, [service], {}, settings)));
  };
  return { registry, push, d };
}

const phaseOf = (run: { phases: readonly { name: string }[] }, name: string) =>
  run.phases.find((phase) => phase.name === name);

describe("the push phase", () => {
  it("puts what was built under its version, its commit and its aliases (R-048, R-052, R-060)", async () => {
    const { registry, push } = await start();
    const run = await push("one");
    expect(run.state).toBe("succeeded");
    const tag = `main-${run.commit.slice(0, 7)}`;
    const digest = await registry.digest({ repository, reference: "1.0.0" }, signal);
    expect(digest).toMatch(/^sha256:/);
    expect(run.images?.["web"]?.pushed).toEqual({ repository, digest, tags: [tag, "1.0.0", "latest"] });
    expect((await registry.tags(repository, signal)).sort()).toEqual(["1.0.0", "latest", tag].sort());
    expect(phaseOf(run, "push")).toMatchObject({ state: "done", detail: `1 image: web ${tag}` });
  });

  it("stops a run whose version was given to another image before (R-052)", async () => {
    const { registry, push } = await start();
    await push("one");
    const digest = await registry.digest({ repository, reference: "1.0.0" }, signal);
    const run = await push("two");
    expect(run).toMatchObject({ state: "failed", failure: { phase: "push", code: "REGISTRY_TAG_TAKEN" } });
    expect(run.failure?.hint).toContain("another version");
    expect(await registry.digest({ repository, reference: "1.0.0" }, signal)).toBe(digest);
    expect(await registry.digest({ repository, reference: "latest" }, signal)).toBe(digest);
  });

  it("does nothing where no registry is named", async () => {
    const { registry, push } = await start();
    const run = await push("one", { web: { build: { context: "." } } as ComposeService });
    expect(phaseOf(run, "push")).toMatchObject({ state: "skipped", detail: "no registry is named" });
    expect(await registry.tags(repository, signal)).toEqual([]);
  });
});
