import { describe, expect, it } from "vitest";
import type { Clock } from "../../../lib/clock.ts";
import type { ContainerInspect } from "./engine-types.ts";
import { InspectionCache } from "./inspection-cache.ts";

const container = (status: string) =>
  ({ Id: "c1", Name: "/shop-web-1", State: { Status: status } }) as ContainerInspect;

function cacheAt(time: { now: number }) {
  const clock: Clock = { now: () => time.now, sleep: async () => undefined };
  let asked = 0;
  const cache = new InspectionCache(clock);
  const ask =
    (status = "running") =>
    async () => {
      asked += 1;
      return container(status);
    };
  return { cache, ask, asked: () => asked };
}

describe("inspection cache", () => {
  it("asks every time while no event stream is open", async () => {
    const { cache, ask, asked } = cacheAt({ now: 0 });
    await cache.get("c1", ask());
    await cache.get("c1", ask());
    expect(asked()).toBe(2);
  });

  it("asks once while events are heard, by id and by name alike", async () => {
    const { cache, ask, asked } = cacheAt({ now: 0 });
    cache.listen();
    await cache.get("c1", ask());
    await cache.get("shop-web-1", ask());
    expect(asked()).toBe(1);
  });

  it("asks again after any event, and after the stream was lost", async () => {
    const { cache, ask, asked } = cacheAt({ now: 0 });
    cache.listen();
    await cache.get("c1", ask());
    cache.clear();
    await cache.get("c1", ask("exited"));
    cache.deaf();
    await cache.get("c1", ask("exited"));
    expect(asked()).toBe(3);
  });

  it("does not keep an answer that a change has overtaken", async () => {
    const { cache, ask, asked } = cacheAt({ now: 0 });
    cache.listen();
    await cache.get("c1", async () => {
      cache.clear();
      return container("running");
    });
    const seen = await cache.get("c1", ask("exited"));
    expect(seen?.State.Status).toBe("exited");
    expect(asked()).toBe(1);
  });

  it("believes nothing for longer than a minute", async () => {
    const time = { now: 0 };
    const { cache, ask, asked } = cacheAt(time);
    cache.listen();
    await cache.get("c1", ask());
    time.now = 60_000;
    await cache.get("c1", ask());
    expect(asked()).toBe(2);
  });
});
