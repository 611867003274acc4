import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../lib/manual-clock.ts";
import type { BackupSource } from "../policy/backup-source.ts";
import { compareManifests } from "../policy/backup-verdict.ts";
import type { Scope } from "../rollout/ids.ts";
import { MemoryRuntime } from "../runtime/drivers/memory.ts";
import { tarOf } from "../runtime/volumes-conformance.ts";
import type { Stack } from "../stack/stack.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import type { KeptSource } from "./source-keeper.ts";
import { VolumeKeeper } from "./volume-keeper.ts";

const scope: Scope = { stack: "shop", environment: "production" };
const signal = AbortSignal.timeout(20_000);
const archive = tarOf("./avatar.png", "pixels");

let runtime: MemoryRuntime;
let store: ReturnType<typeof createMemoryStore>;
let keeper: VolumeKeeper;
beforeEach(async () => {
  const clock = new ManualClock();
  runtime = new MemoryRuntime(clock);
  store = createMemoryStore();
  keeper = new VolumeKeeper({ runtime, store, clock });
  await runtime.ensureResources(
    { scope, networks: {}, volumes: { files: { name: "shop_files" } }, services: [] },
    signal,
  );
  runtime.volumeFiles.write("shop_files", archive);
});

function kept(changes: Partial<BackupSource> = {}): KeptSource {
  const stack: Stack = {
    name: "shop",
    environment: "production",
    services: [],
    networks: {},
    volumes: { files: { name: "shop_files" } },
    files: [],
  };
  const source: BackupSource = {
    name: "files",
    kind: "volume",
    priority: "high",
    services: ["web"],
    volume: "files",
    checks: [],
    exclude: [],
    ...changes,
  };
  return { scope, stack, source };
}

async function dumped(of: KeptSource): Promise<Buffer> {
  const dump = await keeper.dump(of, signal);
  const chunks: Uint8Array[] = [];
  for await (const chunk of dump.content) chunks.push(chunk);
  expect((await dump.manifest()).parts).toEqual([expect.objectContaining({ name: "files", rows: 1 })]);
  return Buffer.concat(chunks);
}

async function* stream(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

describe("volumes (R-139, R-143)", () => {
  it("are copied as tar and proven in a volume of their own, which is gone afterwards", async () => {
    const dump = await keeper.dump(kept(), signal);
    for await (const _chunk of dump.content) signal.throwIfAborted();
    const proof = await keeper.prove(kept(), stream(archive), { proof: "backup-1" }, signal);
    expect(compareManifests(await dump.manifest(), proof.manifest)).toEqual([]);
    expect(runtime.volumes()).toEqual(["shop_files"]);
    const other = await keeper.prove(kept(), stream(tarOf("./avatar.png", "pixelz")), { proof: "b" }, signal);
    expect(compareManifests(await dump.manifest(), other.manifest)).toEqual(["files has other contents"]);
  });

  it("leave nothing of a proof that failed, nor of one that was killed", async () => {
    const torn = archive.subarray(0, 700);
    await expect(keeper.prove(kept(), stream(torn), { proof: "b" }, signal)).rejects.toThrow("breaks off");
    expect(runtime.volumes()).toEqual(["shop_files"]);
    const volume = { name: "shop_backup-2" };
    store.records.put("backup-throw-away-volumes", "backup-2", { scope, volume });
    await runtime.volumeFiles.fill(scope, volume, stream(archive), signal);
    await keeper.removeLeftovers(signal);
    expect(runtime.volumes()).toEqual(["shop_files"]);
    expect(store.records.list("backup-throw-away-volumes")).toEqual([]);
  });

  it("are not copied when the service cannot flush them", async () => {
    await expect(keeper.dump(kept({ before: ["sync"] }), signal)).rejects.toThrow("no replica of web runs");
    expect((await dumped(kept())).equals(archive)).toBe(true);
  });

  it("name a volume that is gone", async () => {
    await expect(keeper.dump(kept({ volume: "other" }), signal)).rejects.toMatchObject({
      code: "VAULT_NO_SOURCE",
    });
  });
});
