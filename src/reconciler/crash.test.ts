import { describe, expect, it, vi } from "vitest";
import { aStackService, by, requestFor, scope, version, World } from "./world-support.ts";

/**
 * Promise 5: a killed control plane loses nothing and traffic never notices. The control plane is ended after every
 * single journal entry of a deployment; its successor must bring the deployment to the same end.
 */
const policy = {
  steps: [{ weight: 10, forSeconds: 20 }],
  maxErrorRate: 0.01,
  maxP95Seconds: 1,
  minRequests: 0,
};
const stacks = {
  "blue-green": [
    aStackService("web", { dependsOn: [{ service: "api", condition: "ready", required: true }] }),
    aStackService("api", { releaseJob: { argv: ["migrate"], timeoutSeconds: 60, snapshot: false } }),
  ],
  canary: [aStackService("web", { strategy: "canary", canary: policy }), aStackService("api")],
  rolling: [aStackService("web", { strategy: "rolling", replicas: 3 })],
  singleton: [aStackService("bot", { strategy: "singleton" }), aStackService("web")],
};

/** Stands for kill -9: whatever the old engine was doing never happens. */
class Killed extends Error {}

async function deployWithKillAt(stack: keyof typeof stacks, killAt: number, breaks: boolean) {
  const world = new World();
  await world.deploy(stacks[stack]);
  if (breaks) world.runtime.behave("web:2", { neverReady: true });
  let entries = 0;
  let killed = false;
  const statuses: number[] = [];
  world.onJournal = () => {
    entries += 1;
    void world.edge.ask("web.test", "/").then((answer) => statuses.push(answer.status));
    if (entries === killAt) {
      killed = true;
      void first.reconciler.stop().catch(() => undefined);
      throw new Killed();
    }
  };
  const first = world.engine;
  const deployment = world.engine.deploy(
    scope,
    requestFor(stacks[stack].map((service) => version(service, 2))),
    by,
  );
  await world.until(
    () => killed || world.store.deployments.get(deployment.id)?.finishedAt !== undefined,
    "killed or done",
    600,
  );
  if (killed) {
    await world.rest(1);
    await world.restart();
  }
  const done = await world.finished(deployment, 900);
  await world.rest(4);
  return { world, done, killed, statuses };
}

// Every kill point is a whole deployment: seconds of work on a slow machine.
vi.setConfig({ testTimeout: 60_000 });

describe.each(Object.keys(stacks) as (keyof typeof stacks)[])(
  "kill -9 after every journal entry: %s",
  (stack) => {
    it.each([
      ["a good release is rolled out", false],
      ["a bad release is withdrawn", true],
    ])("%s", async (_name, breaks) => {
      if (breaks && !stacks[stack].some((service) => service.name === "web")) return;
      for (let killAt = 1; ; killAt += 1) {
        const { world, done, killed, statuses } = await deployWithKillAt(stack, killAt, breaks);
        const tag = breaks ? 1 : 2;
        expect(done.state, `killed after entry ${killAt}`).toBe(breaks ? "failed" : "succeeded");
        for (const { name } of stacks[stack]) {
          expect(world.serving(name), `${name} when killed after entry ${killAt}`).toEqual([
            `${name}:${tag}`,
          ]);
          if (name === "bot") expect(world.runtime.mostRunning(scope, name)).toBe(1);
        }
        expect(
          statuses.filter((status) => status !== 200),
          `requests when killed after entry ${killAt}`,
        ).toEqual([]);
        const status = await world.engine.status(scope);
        expect(status.services.map((service) => service.state)).toEqual(stacks[stack].map(() => "healthy"));
        if (!killed) return;
      }
    });
  },
);

describe("leases", () => {
  it("two control planes on one store never work on the same stack at once", async () => {
    const world = new World();
    await world.deploy([aStackService("web")]);
    const first = world.engine;
    await world.restart();
    const deployment = first.deploy(
      scope,
      requestFor([aStackService("web", { strategy: "singleton" })].map((s) => version(s, 2))),
      by,
    );
    world.engine.reconciler.wake(scope);
    await world.finished(deployment);
    const starts = world.runtime.calls.filter((call) => call.startsWith("startReplica"));
    expect(new Set(starts).size).toBe(starts.length);
  });
});
