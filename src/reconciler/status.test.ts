import { describe, expect, it } from "vitest";
import { runtimeError } from "../runtime/errors.ts";
import type { Runtime } from "../runtime/port.ts";
import { aStackService, scope, World } from "./world-support.ts";

const silent: Runtime["observe"] = (_scope, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("the status of a stack whose runtime cannot be asked", () => {
  it("is what the store knows, and says after ten seconds that the runtime did not answer", async () => {
    const world = new World();
    await world.deploy([aStackService("web"), aStackService("api")]);
    world.runtime.observe = silent;
    const stacks = world.engine.list();
    const one = world.engine.status(scope);
    await world.rest(11);
    const [listed] = await stacks;
    expect(await one).toEqual(listed);
    expect(listed).toMatchObject({
      scope,
      current: { number: 1 },
      unobserved: { code: "ENGINE_RUNTIME_SILENT", hint: expect.stringContaining("runtime") },
      services: [
        { name: "web", state: "unknown", wanted: 1, replicas: [], message: expect.stringContaining("10 s") },
        { name: "api", state: "unknown" },
      ],
    });
  });

  it("names the runtime's own error, at once", async () => {
    const world = new World();
    await world.deploy([aStackService("web")]);
    world.runtime.observe = async () => {
      throw runtimeError("RUNTIME_UNREACHABLE", "the engine is not there");
    };
    expect(await world.engine.status(scope)).toMatchObject({
      unobserved: { code: "RUNTIME_UNREACHABLE", message: "the engine is not there" },
      services: [{ state: "unknown" }],
    });
  });

  it("is whole again with the runtime, and no wait is left behind", async () => {
    const world = new World();
    await world.deploy([aStackService("web")]);
    const asleep = world.clock.sleeping;
    const status = await world.engine.status(scope);
    expect(status).toMatchObject({ services: [{ state: "healthy" }] });
    expect(status).not.toHaveProperty("unobserved");
    expect(world.clock.sleeping).toBeLessThanOrEqual(asleep);
  });
});
