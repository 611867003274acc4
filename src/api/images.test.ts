import { describe, expect, it } from "vitest";
import { aStackService } from "../reconciler/world-support.ts";
import { savedImage } from "../registry/store-conformance.ts";
import { ApiWorld, base, deployBody } from "./api-support.ts";

const repository = "127.0.0.1:5500/shop/web";
const service = aStackService("web", { compose: { image: "web:1", build: { context: "." } } as never });
const build = { ref: "main", commit: "abc1234def" };

async function built(w: ApiWorld, text: string, more: Record<string, unknown> = {}) {
  w.world.runtime.archives.set("web:1", savedImage(["base", text]).archive);
  const body = { ...deployBody([service]), ...more };
  const answer = await w.call("POST", `${base}/builds`, { body });
  const events = answer.text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { answer, events, last: events.at(-1) };
}

describe("building without deploying", () => {
  it("answers with the image, and nothing is deployed", async () => {
    const w = new ApiWorld();
    const { last } = await built(w, "one");
    expect(last).toMatchObject({
      type: "built",
      result: { service: "web", reference: "web:1", digest: expect.stringMatching(/^sha256:/) },
    });
    expect((await w.call("GET", "/api/v1/stacks")).json).toEqual({ stacks: [] });
    expect(await w.registry.tags(repository, AbortSignal.timeout(1000))).toEqual([]);
  });

  it("pushes when asked to, and refuses a version that is taken (R-052)", async () => {
    const w = new ApiWorld();
    const push = { tags: ["1.0.0", "latest"], build };
    const { last } = await built(w, "one", { push });
    expect(last).toMatchObject({
      type: "built",
      result: {
        pushed: { repository, versions: ["main-abc1234", "1.0.0"], aliases: ["latest"], layers: 2 },
      },
    });
    const again = await built(w, "two", { push });
    expect(again.last).toMatchObject({ error: { code: "REGISTRY_TAG_TAKEN" } });
    const { tags } = (await w.call("GET", "/api/v1/images/tags")).json as { tags: { tag: string }[] };
    expect(tags.map(({ tag }) => tag)).toEqual(["1.0.0", "latest", "main-abc1234"]);
    expect(tags[1]).toMatchObject({
      repository,
      kind: "alias",
      by: "ada",
      keeping: "alias",
      history: [{ by: "ada" }],
    });
  });

  it("wants a name for what is pushed", async () => {
    const w = new ApiWorld();
    const { answer } = await built(w, "one", { push: { tags: ["latest"] } });
    expect(answer.json).toMatchObject({ error: { code: "PUSH_NO_TAG" } });
  });

  it("refuses a service that is not built", async () => {
    const w = new ApiWorld();
    const { answer } = await built(w, "one", { services: ["db"] });
    expect(answer.json).toMatchObject({ error: { code: "BUILD_NOTHING" } });
  });

  it("prunes our own registry, and writes down who did (R-060)", async () => {
    const w = new ApiWorld();
    for (const [text, tag] of [
      ["one", "1.0.0"],
      ["two", "1.0.1"],
    ] as const) {
      await built(w, text, { push: { tags: [tag] } });
      await w.world.turn(1000);
    }
    const answer = await w.call("POST", "/api/v1/images/registry/prune", { body: { keep: 1 } });
    expect(answer.json).toMatchObject({ removed: [{ repository, tags: ["1.0.0"] }] });
    expect(await w.registry.tags(repository, AbortSignal.timeout(1000))).toEqual(["1.0.1"]);
    const [entry] = w.world.parts().store.audit.list(1);
    expect(entry).toMatchObject({ actor: "ada", action: "images.registry.prune" });
  });
});
