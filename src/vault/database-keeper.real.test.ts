import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RedisSource } from "../backup/sources/redis.ts";
import { systemClock } from "../lib/clock.ts";
import { compareManifests } from "../policy/backup-verdict.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import { DatabaseKeeper } from "./database-keeper.ts";
import { DatabaseStage, pieces, probeTiming, signal, whole } from "./database-stage-support.ts";
import type { KeptSource } from "./source-keeper.ts";
import { throwAwayScope } from "./throw-away.ts";

const missing = ["redis-server", "redis-cli"].filter((program) => !existsSync(`/usr/bin/${program}`));
if (missing.length > 0 && process.env["CI"] === "true") throw new Error(`${missing.join()} is not here`);

describe.skipIf(missing.length > 0)("databases, kept and proven", () => {
  let stage: DatabaseStage;
  beforeAll(async () => {
    stage = await DatabaseStage.open("process", {
      compose: { image: "redis:7" },
      environment: {},
      port: 6379,
      probe: { kind: "tcp", port: 6379, ...probeTiming },
      dataFolder: "/data",
    });
  });
  afterAll(() => stage?.close());

  it("R-143 R-145: a copy is proven in an instance of its own, which is gone afterwards", async () => {
    const store = createMemoryStore();
    const { runtime, scope, serving } = stage;
    const source = new RedisSource();
    const keeper = new DatabaseKeeper({
      ...{ runtime, store, source, clock: systemClock },
      servingOf: () => serving,
    });
    const { host, port } = stage.place.address ?? { host: "", port: 0 };
    const set = stage.place.start(
      ["redis-cli", "-h", host, "-p", String(port), "SET", "answer", "42"],
      {},
      signal,
    );
    expect((await whole(set.stdout)).toString()).toBe("OK\n");
    const kept = { scope, source: { checks: ["GET answer", "EXISTS nobody"] } } as unknown as KeptSource;
    const dump = await keeper.dump(kept, signal);
    const content = await whole(dump.content);
    const proof = await keeper.prove(kept, pieces(content), { proof: "p1" }, signal);
    expect(compareManifests(await dump.manifest(), proof.manifest)).toEqual([]);
    expect(proof.checks.map(({ ok }) => ok)).toEqual([true, false]);
    const cut = content.subarray(0, content.byteLength - 9);
    await expect(keeper.prove(kept, pieces(cut), { proof: "p2" }, signal)).rejects.toThrow(/not whole/);
    expect(await stage.environments()).toEqual(["production"]);
    expect(store.records.list("backup-throw-away-databases")).toEqual([]);

    // What a killed control plane leaves: a record, and what it stands for.
    const left = throwAwayScope(scope, "p3");
    const volumes = { data: { name: `${scope.stack}_data` } };
    await runtime.ensureResources({ scope: left, networks: {}, volumes, services: [] }, signal);
    store.records.put("backup-throw-away-databases", "p3", left);
    await expect(stage.environments()).rejects.toThrow(/volumes are left/);
    await keeper.removeLeftovers(signal);
    expect(await stage.environments()).toEqual(["production"]);
  });
});

if (missing.length > 0)
  it.skip(`databases, kept and proven (skipped: no ${missing.join()})`, () => undefined);
