import { expect, it } from "vitest";
import { MemoryRepository } from "../backup/drivers/memory.ts";
import { countingIds } from "../lib/ids.ts";
import { aStackService, by, requestFor, scope, World } from "../reconciler/world-support.ts";
import type { Stack } from "../stack/stack.ts";
import { LogPoints } from "./log-points.ts";
import { RepositoryBook } from "./repository-book.ts";

it("resolves a release once, however often it looks", async () => {
  const world = new World();
  const db = aStackService("db", {
    kind: "database",
    strategy: "recreate",
    compose: {
      image: "postgres:16",
      volumes: [{ type: "volume", source: "data", target: "/var/lib/postgresql/data" }],
    },
  });
  const request = requestFor([db]);
  const stack = JSON.parse(request.bundle.texts["/project/stack.json"] ?? "") as Stack;
  const whole = {
    ...stack,
    volumes: { data: { name: "d" } },
    backups: { sources: { db: { pointInTime: true } } },
  };
  const bundle = { ...request.bundle, texts: { "/project/stack.json": JSON.stringify(whole) } };
  await world.finished(world.engine.deploy(scope, { ...request, bundle }, by));
  const { store, clock, runtime } = world;
  let resolved = 0;
  const points = new LogPoints({
    store,
    clock,
    runtime,
    ids: countingIds(),
    repositories: new RepositoryBook(store, () => new MemoryRepository()),
    servingOf: () => {
      throw new Error("nothing is followed here");
    },
    keptOf: () => {
      throw new Error("nothing is followed here");
    },
    folder: "/nonexistent",
    log: () => undefined,
    resolve: (...given) => {
      resolved += 1;
      return world.parts().resolve(...given);
    },
  });
  for (let looks = 0; looks < 5; looks += 1) {
    expect(points.of(scope)).toMatchObject([{ source: "db", problem: "it has not been followed yet" }]);
  }
  expect(resolved).toBe(1);
});
