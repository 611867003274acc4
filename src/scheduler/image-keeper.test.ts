import { describe, expect, it } from "vitest";
import { aStackService, by, scope, version, World } from "../reconciler/world-support.ts";
import { ImageKeeper } from "./image-keeper.ts";

const web = aStackService("web", { keepWarmSeconds: 60 });

/** Eight releases, all but the last one long cold. */
async function begin(): Promise<{ world: World; keeper: ImageKeeper }> {
  const world = new World();
  await world.engine.reconciler.start();
  for (let number = 1; number <= 8; number += 1) await world.deploy([version(web, number)]);
  await world.rest(120);
  return { world, keeper: new ImageKeeper(world.parts()) };
}

const signal = AbortSignal.timeout(60_000);
const shown = (images: readonly { reference: string; keeping: string }[]) =>
  images.map(({ reference, keeping }) => `${reference} ${keeping}`).sort();

describe("images on this host", () => {
  it("prunes all but live, warm and the last five (R-060)", async () => {
    const { world, keeper } = await begin();
    expect(shown(await keeper.list(signal))).toEqual([
      "web:1 removable",
      "web:2 removable",
      "web:3 removable",
      "web:4 last",
      "web:5 last",
      "web:6 last",
      "web:7 last",
      "web:8 live",
    ]);
    expect(shown(await keeper.prune(signal))).toEqual([
      "web:1 removable",
      "web:2 removable",
      "web:3 removable",
    ]);
    expect(await keeper.prune(signal)).toEqual([]);
    const [, , , fifth] = world.store.releases.list(scope, 4);
    await world.finished(world.engine.rollback(scope, fifth?.id, by));
    expect(world.serving("web")).toEqual(["web:5"]);
  });

  it("keeps what a rollback made live, however old (R-060)", async () => {
    const { world, keeper } = await begin();
    const oldest = world.store.releases.list(scope, 8).at(-1);
    await world.finished(world.engine.rollback(scope, oldest?.id, by));
    const kept = shown(await keeper.list(signal, 1));
    expect(kept).toContain("web:1 live");
    expect(kept).toContain("web:8 warm");
    await keeper.prune(signal, 1);
    expect(world.serving("web")).toEqual(["web:1"]);
    expect(shown(await keeper.list(signal, 1))).toEqual(["web:1 live", "web:8 warm"]);
  });

  it("keeps what a deployment that is under way goes to or comes from", async () => {
    const { world, keeper } = await begin();
    const oldest = world.store.releases.list(scope, 8).at(-1);
    const rollback = world.engine.rollback(scope, oldest?.id, by);
    expect(shown(await keeper.list(signal))).toContain("web:1 warm");
    await keeper.prune(signal);
    expect(await world.finished(rollback)).toMatchObject({ state: "succeeded" });
  });

  it("prunes by itself once a day", async () => {
    const { world, keeper } = await begin();
    keeper.start();
    await world.until(() => world.logged.some((line) => line.includes("pruned 3 images")), "a prune", 700);
    await keeper.stop();
  });
});
