import { describe, expect, it } from "vitest";
import { ManualClock } from "../../lib/manual-clock.ts";
import type { ImageRequest } from "../../runtime/port.ts";
import { createMemoryStore } from "../../store/drivers/memory.ts";
import type { RunWorld } from "../phase.ts";
import { buildPhase } from "./build.ts";

async function requestsOf(run: { noCache?: boolean }): Promise<ImageRequest[]> {
  const asked: ImageRequest[] = [];
  const ensureImage = async (request: ImageRequest) => {
    asked.push(request);
    return { digest: "sha256:a", reference: "web", description: "web", exposedPorts: [] };
  };
  const services = [{ name: "web", compose: { build: { context: "/src" } } }];
  const world = {
    parts: { runtime: { ensureImage }, store: createMemoryStore(), clock: new ManualClock() },
    run: { scope: { stack: "shop", environment: "test" }, ...run },
    say: () => undefined,
    gathered: async () => ({ stack: { services }, files: {} }),
    update: () => undefined,
    signal: new AbortController().signal,
  } as unknown as RunWorld;
  expect(await buildPhase.run(world)).toMatchObject({ kind: "done" });
  return asked;
}

describe("the build phase", () => {
  it("tells the driver to build without the cache when the run says so (R-053)", async () => {
    expect((await requestsOf({ noCache: true }))[0]?.compose.build).toEqual({
      context: "/src",
      no_cache: true,
    });
    expect((await requestsOf({}))[0]?.compose.build).toEqual({ context: "/src" });
  });
});
