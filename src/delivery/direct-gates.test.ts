import { expect, it } from "vitest";
import { aStackService, by, requestFor, scope, World } from "../reconciler/world-support.ts";
import { DirectGates } from "./direct-gates.ts";

it("counts the gates of what runs too: nobody takes one away in their own copy of the file (R-071)", async () => {
  const world = new World();
  await world.engine.reconciler.start();
  const running = requestFor([aStackService("web")]);
  await world.finished(world.engine.deploy(scope, running, by));
  const sent = requestFor([aStackService("web")]).bundle;
  const empty = { name: "shop", services: {}, networks: {}, volumes: {}, secrets: {}, configs: {} };
  const gates = new DirectGates({
    ...world.parts(),
    load: (_bundle, _environment, options) => ({
      problems: [],
      variablesUsed: {},
      model: { ...empty, ...(options?.accepted ? { "x-roadstead": { pipeline: { approval: {} } } } : {}) },
    }),
  });
  expect(() => gates.pass(scope, sent, by)).toThrow("production waits for approval");
  expect(() => gates.pass({ ...scope, environment: "staging" }, sent, by)).not.toThrow();
});
