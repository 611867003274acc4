import { describe, expect, it } from "vitest";
import type { ImageDigest } from "../rollout/ids.ts";
import { builtWith } from "./image-book.ts";
import { aStackService, by, requestFor, scope, World } from "./world-support.ts";

const web = aStackService("web");
const api = aStackService("api");
const newer = `sha256:${"b".repeat(64)}` as ImageDigest;

function update(world: World, digest: ImageDigest, reference = "web:1.0.1") {
  const request = requestFor([web, api]);
  const pinnedImages = { web: { reference, digest } };
  return world.engine.deploy(scope, { ...request, services: ["web"], pinnedImages }, by);
}

describe("a deployment that asks for an exact image", () => {
  it("runs it and leaves the other services alone (R-048, R-151)", async () => {
    const world = new World();
    world.runtime.offer(newer);
    await world.deploy([web, api]);
    const before = world.store.scopes.get(scope)?.routing["api"];
    expect(await world.finished(update(world, newer))).toMatchObject({ state: "succeeded" });
    expect(world.serving("web")).toEqual(["web:1.0.1"]);
    const [release, first] = world.store.releases.list(scope, 2);
    expect(release?.images["web"]).toMatchObject({ digest: newer, reference: "web:1.0.1" });
    expect(release?.images["api"]).toEqual(first?.images["api"]);
    expect(world.store.scopes.get(scope)?.routing["api"]?.targets).toEqual(before?.targets);
  });

  it("rolls back to the digest before, and forward to the exact one (R-048)", async () => {
    const world = new World();
    world.runtime.offer(newer);
    await world.deploy([web, api]);
    await world.finished(update(world, newer));
    await world.finished(world.engine.rollback(scope, undefined, by));
    expect(world.serving("web")).toEqual(["web:1"]);
    const [release] = world.store.releases.list(scope, 1);
    await world.finished(world.engine.rollback(scope, release?.id, by));
    expect(world.serving("web")).toEqual(["web:1.0.1"]);
  });

  it("goes on with it after the control plane was killed (R-152)", async () => {
    const world = new World();
    world.runtime.offer(newer);
    await world.deploy([web, api]);
    const deployment = update(world, newer);
    await world.restart();
    expect(await world.finished(deployment)).toMatchObject({ state: "succeeded" });
    expect(world.serving("web")).toEqual(["web:1.0.1"]);
  });

  it("fails before anything changes when the image is gone", async () => {
    const world = new World();
    await world.deploy([web, api]);
    expect(await world.finished(update(world, newer))).toMatchObject({
      state: "failed",
      failure: { code: "RUNTIME_IMAGE_UNAVAILABLE" },
    });
    expect(world.serving("web")).toEqual(["web:1"]);
  });
});

describe("an image that was built here", () => {
  const built = (url: string) =>
    aStackService("web", {
      routes: [],
      compose: { image: "web:1", build: { context: "/srv", args: { VITE_API_URL: url } } },
    });

  it("goes only where the values that it was built with are wanted, named otherwise (R-095, R-099)", async () => {
    const world = new World();
    const staging = { stack: "shop", environment: "staging" };
    await world.finished(world.engine.deploy(staging, requestFor([built("https://staging.test")]), by));
    const [release] = world.store.releases.list(staging, 1);
    const image = release?.images["web"];
    if (!image) throw new Error("no image");
    const pinnedImages = { web: { reference: image.reference, digest: image.digest } };
    expect(builtWith(world.store, image.digest)).toEqual([{ VITE_API_URL: "https://staging.test" }]);
    const production = { ...requestFor([built("https://api.test")]), pinnedImages };
    expect(() => world.engine.deploy(scope, production, by)).toThrow(
      expect.objectContaining({
        code: "ENGINE_BUILD_VALUES_DIFFER",
        message: expect.stringContaining("web was built with other values of VITE_API_URL than production"),
      }),
    );
    expect(world.store.deployments.list(scope, 10)).toEqual([]);
    await expect(world.engine.plan(scope, production)).rejects.toThrow("VITE_API_URL");
    const alike = { ...requestFor([built("https://staging.test")]), pinnedImages };
    expect(await world.finished(world.engine.deploy(scope, alike, by))).toMatchObject({ state: "succeeded" });
  });

  it("built anew for its environment is deployed", async () => {
    const world = new World();
    expect(await world.deploy([built("https://api.test")])).toMatchObject({ state: "succeeded" });
    expect(await world.deploy([built("https://other.test")])).toMatchObject({ state: "succeeded" });
  });
});
