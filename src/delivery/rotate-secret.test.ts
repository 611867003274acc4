import { describe, expect, it } from "vitest";
import { ControlEngine } from "../reconciler/control-engine.ts";
import { aStackService, by, requestFor, scope, World } from "../reconciler/world-support.ts";
import { MemoryOwnSecrets } from "../secrets/drivers/memory.ts";
import type { Bundle } from "../store/port.ts";
import { type RotationParts, rotateSecret } from "./rotate-secret.ts";
import { makeVariables } from "./variables.ts";

const web = aStackService("web", { compose: { image: "web:1", environment: { KEY: "$KEY" } } });
const api = aStackService("api");

/** The engine's test world, whose stacks are JSON: `$KEY` and `$KEY_BEFORE` stand for the variables. */
async function start() {
  const world = new World();
  const parts = world.parts();
  const own = new MemoryOwnSecrets();
  const load = (bundle: Bundle, environment: string) => ({
    ...parts.resolve(withValues(bundle), environment),
    variablesUsed: { KEY: "", ...("KEY_BEFORE" in bundle.variables ? { KEY_BEFORE: "" } : {}) },
  });
  const variables = makeVariables({ ...parts, secrets: { own, providers: () => [] }, load });
  const rotation: RotationParts = {
    store: world.store,
    book: variables.book,
    own,
    engine: world.engine,
    load,
  };
  await world.engine.reconciler.start();
  variables.book.change(scope, [{ name: "KEY", kind: "secret", value: "old" }], by, "secrets.change");
  const request = requestFor([web, api], "v1");
  const bundle = { ...request.bundle, variables: { KEY: "old", OTHER: "kept" } };
  await world.finished(world.engine.deploy(scope, { ...request, bundle }, by));
  return { world, variables, rotation, own };
}

function withValues(bundle: Bundle): Bundle {
  const text = bundle.texts["/project/stack.json"] ?? "";
  return { ...bundle, texts: { "/project/stack.json": text.replace("$KEY", bundle.variables["KEY"] ?? "") } };
}

describe("rotating a secret (R-108)", () => {
  it("deploys what runs once more: same images and label, only that variable new, and writes versions down", async () => {
    const { world, variables, rotation } = await start();
    variables.book.change(scope, [{ name: "OTHER", kind: "plain", value: "pending" }], by, "env.change");
    const deployment = rotateSecret(rotation, { scope, name: "KEY", value: "new" }, by);
    expect(await world.finished(deployment)).toMatchObject({ state: "succeeded" });
    const [latest, before] = world.store.releases.list(scope, 2);
    expect(latest?.bundle.variables).toEqual({ KEY: "new", OTHER: "kept" });
    expect(latest).toMatchObject({ label: "v1", images: before?.images });
    const journal = world.store.deployments.journal(deployment.id, 0);
    expect(journal.some((entry) => entry.event === "stepStarted" && entry.step.kind === "ensureImage")).toBe(
      false,
    );
    expect(world.store.audit.list(1)[0]?.detail).toMatchObject({
      changes: [{ name: "KEY", before: { version: "1" }, after: { version: "2" } }],
    });
  });

  it("keeps the value before under another name, for as long as it is set", async () => {
    const { world, variables, rotation, own } = await start();
    const wish = { scope, name: "KEY", value: "new", keepPreviousAs: "KEY_BEFORE" };
    await world.finished(rotateSecret(rotation, wish, by));
    const kept = variables.book.get(scope, "KEY_BEFORE");
    expect(kept?.kind === "secret" && own.read(scope, "KEY_BEFORE", kept.version)).toBe("old");
    expect(world.store.releases.list(scope, 1)[0]?.bundle.variables).toMatchObject({
      KEY: "new",
      KEY_BEFORE: "old",
    });
  });

  it("waits for a deployment in progress, and changes nothing until then", async () => {
    const { world, variables, rotation } = await start();
    world.engine.restart(scope, [], by);
    expect(() => rotateSecret(rotation, { scope, name: "KEY", value: "new" }, by)).toThrow(
      /is being deployed/,
    );
    expect(variables.book.get(scope, "KEY")?.number).toBe(1);
  });
});

describe("what the engine writes down (R-107)", () => {
  it("holds no secret: neither a job's lines, nor a probe's answer, nor the last lines of what died", async () => {
    const world = new World();
    const engine = new ControlEngine({
      ...world.parts(),
      mask: (of, text) => (of.stack === scope.stack ? text.replaceAll("hunter2", "***") : text),
    });
    await engine.reconciler.start();
    const lines = ["password hunter2 refused"];
    world.runtime.behave("web:1", { dies: { afterMs: 0, exitCode: 1, lines } });
    const died = await world.finished(engine.deploy(scope, requestFor([aStackService("web")]), by));
    expect(died.failure?.lastLines).toEqual(["password *** refused"]);
    world.runtime.behave("web:1", { probe: { reason: "500", body: "no: hunter2" } });
    const ill = await world.finished(engine.deploy(scope, requestFor([aStackService("web")]), by));
    expect(ill.failure?.probe?.body).toBe("no: ***");
    const releaseJob = { argv: ["migrate"], timeoutSeconds: 5, snapshot: false };
    world.runtime.behave("web:1", { job: { exitCode: 0, lines } });
    const withJob = aStackService("web", { releaseJob });
    const migrated = await world.finished(engine.deploy(scope, requestFor([withJob]), by));
    const journal = JSON.stringify(
      [died, ill, migrated].flatMap(({ id }) => world.store.deployments.journal(id, 0)),
    );
    expect(journal).toContain("password *** refused");
    expect(journal + world.logged.join()).not.toContain("hunter2");
  });
});
