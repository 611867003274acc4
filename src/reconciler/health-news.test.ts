import { describe, expect, it } from "vitest";
import type { HealthChange } from "./health-news.ts";
import { aStackService, by, scope, version, World } from "./world-support.ts";

/** A whole engine that listens to its own news. */
class Listening extends World {
  readonly news: HealthChange[] = [];

  override parts() {
    return { ...super.parts(), onHealth: (change: HealthChange) => void this.news?.push(change) };
  }
}

async function running(services = [aStackService("web")]) {
  const world = new Listening();
  await world.restart();
  await world.deploy(services);
  await world.rest(8);
  world.news.length = 0;
  return world;
}

describe("news of health", () => {
  it("a killed replica is down within a second of the look, and ready again after its restart (R-203)", async () => {
    const world = await running();
    const [replica] = await world.runtime.observe(scope, AbortSignal.timeout(1000));
    if (replica === undefined) throw new Error("nothing runs");
    world.runtime.kill(replica.id, 137);
    await world.until(() => world.news.some(({ kind }) => kind === "ready"), "ready again", 30);
    expect(world.news.map(({ kind, service, ended, exitCode }) => [kind, service, ended, exitCode])).toEqual([
      ["down", "web", true, 137],
      ["ready", "web", false, undefined],
    ]);
  });

  it("deploying, restarting, stopping and starting are no news", async () => {
    const world = await running();
    await world.deploy([version(aStackService("web"), 2)]);
    await world.rest(8);
    await world.finished(world.engine.restart(scope, ["web"], by));
    await world.rest(8);
    await world.finished(world.engine.stop(scope, ["web"], by));
    await world.rest(8);
    await world.finished(world.engine.start(scope, ["web"], by));
    await world.rest(8);
    expect(world.news).toEqual([]);
  });
});
