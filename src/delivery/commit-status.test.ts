import { describe, expect, it } from "vitest";
import { forgeError } from "../forge/errors.ts";
import { allForges, RecordingForge } from "../forge/forge-support.ts";
import { World } from "../reconciler/world-support.ts";
import { CommitStatuses } from "./commit-status.ts";
import { DeliveryWorld, packageWithTests } from "./delivery-support.ts";
import { putSourceSecret } from "./source-secrets.ts";
import { saveSourceSettings, sourceSettings } from "./source-settings.ts";

async function start() {
  const world = new World();
  await world.engine.reconciler.start();
  const d = new DeliveryWorld(world);
  const { store, clock } = world;
  const settings = { forge: "github" as const, repository: "acme/shop", secretName: "status-token" };
  saveSourceSettings(store, { ...sourceSettings(store, "shop"), status: settings });
  putSourceSecret(store, "shop", "status-token", "t0ken");
  const forge = new RecordingForge();
  const logged: string[] = [];
  const begin = () => {
    const statuses = new CommitStatuses({
      store,
      clock,
      delivery: d.delivery,
      engine: world.engine,
      forges: async (kind) => (kind === "github" ? forge : allForges[kind]),
      log: (_level, message) => void logged.push(message),
    });
    statuses.start();
    return statuses;
  };
  const told = () => forge.told.map(({ state, description }) => `${state}: ${description}`);
  const until = (count: number) => world.until(() => forge.told.length >= count, `${count} statuses`, 20_000);
  return { d, forge, begin, told, logged, until };
}

const down = () => forgeError("FORGE_UNREACHABLE", "503");

describe("the status of a commit at its forge (R-066)", () => {
  it("is pending from the start and success at the end, with the address", async () => {
    const { d, forge, begin, told, until } = await start();
    begin();
    const commit = d.commit();
    await d.over(d.push(commit));
    await until(2);
    expect(told()).toEqual(["pending: accepted", "success: production serves it"]);
    expect(forge.told[1]).toMatchObject({
      commit,
      token: "t0ken",
      context: "roadstead/production",
      targetUrl: expect.stringContaining("web.test"),
    });
  });

  it("says which phase failed and why", async () => {
    const { d, begin, told, until } = await start();
    begin();
    d.jobs.behave(async () => ({
      ok: false,
      durationMs: 1,
      step: "test",
      reason: "failed",
      exitCode: 1,
      message: "npm test ended with exit code 1",
    }));
    await d.over(d.push(d.commit(packageWithTests)));
    await until(2);
    expect(told()[1]).toMatch(/^failure: jobs: .*npm test ended with exit code 1/);
  });

  it("is an error for a run that was superseded or aborted", async () => {
    const { d, begin, told, until } = await start();
    begin();
    d.jobs.behave(() => new Promise(() => undefined));
    const first = d.push(d.commit(packageWithTests));
    await d.until(first, () => d.jobs.ran.length === 1, "it runs");
    d.push(d.commit());
    d.push(d.commit());
    await until(4);
    expect(told().filter((line) => line.startsWith("error"))).toEqual([
      expect.stringContaining("superseded by"),
    ]);
  });

  it("never holds a run up, is tried again ever more rarely, and is given up", async () => {
    const { d, forge, begin, told, logged, until } = await start();
    begin();
    forge.failures = [down(), down()];
    const run = await d.over(d.push(d.commit()));
    expect(run.state).toBe("succeeded");
    await until(1);
    expect(told().at(-1)).toBe("success: production serves it");
    expect(logged).toEqual([expect.stringContaining("again in 2 s"), expect.stringContaining("again in")]);

    forge.failures = Array.from({ length: 20 }, down);
    await d.over(d.push(d.commit()));
    await d.world.until(() => logged.some((line) => line.includes("given up")), "given up", 20_000);
    const after = forge.failures.length;
    await d.world.rest(3600);
    expect(forge.failures.length).toBe(after);
    expect(after).toBeGreaterThan(0);
  });

  it("is not tried again where the forge refuses", async () => {
    const { d, forge, begin, told, logged, until } = await start();
    begin();
    forge.failures = [forgeError("FORGE_REFUSED", "401")];
    await d.over(d.push(d.commit()));
    await until(1);
    expect(told()).toEqual(["success: production serves it"]);
    expect(logged).toEqual([expect.stringContaining("given up")]);
  });

  it("is told after a restart, and not twice", async () => {
    const { d, begin, told, until } = await start();
    await d.over(d.push(d.commit()));
    const first = begin();
    await until(1);
    await first.stop();
    begin();
    await d.world.rest(10);
    expect(told()).toEqual(["success: production serves it"]);
  });
});
