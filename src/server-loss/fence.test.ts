import { beforeEach, expect, it } from "vitest";
import { MemoryRepository } from "../backup/drivers/memory.ts";
import { MemoryEdge } from "../edge/drivers/memory.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import { MemoryRuntime } from "../runtime/drivers/memory.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import { raiseEpoch } from "./epochs.ts";
import { Fence } from "./fence.ts";
import { LossRecords } from "./loss-records.ts";

const { signal } = new AbortController();
const clock = new ManualClock();
let repository: MemoryRepository;
let reachable: boolean;

beforeEach(() => {
  repository = new MemoryRepository();
  reachable = true;
});

function host(installation = "inst_1") {
  const store = createMemoryStore();
  const edge = new MemoryEdge();
  const told: string[] = [];
  const fence = new Fence({
    ...{ store, clock, edge, runtime: new MemoryRuntime(clock), edgeBase: { certificates: [] } },
    newId: () => installation,
    repository: async () => {
      if (!reachable) throw new Error("the line is dead");
      return repository;
    },
    log: (_level, message) => told.push(message),
    onFenced: async () => void told.push("halted"),
  });
  return { store, edge, told, fence };
}

it("fences the host that another one has replaced, and only that installation (R-205)", async () => {
  const [old, other] = [host(), host("inst_2")];
  expect(await old.fence.atStart()).toBe(false);
  await raiseEpoch(repository, { installation: "inst_1", reason: "recover", now: clock.now() }, signal);
  expect(await old.fence.atStart()).toBe(true);
  expect(old.fence.refusal).toMatchObject({ code: "FENCED" });
  expect(await other.fence.atStart()).toBe(false);
  await expect(old.fence.assertOwn(signal)).rejects.toMatchObject({ code: "FENCED" });
});

it("halts what works by itself and answers 503 for every host name (R-205)", async () => {
  const { fence, told, edge } = host();
  await raiseEpoch(repository, { installation: "inst_1", reason: "recover", now: clock.now() }, signal);
  await fence.atStart();
  fence.start();
  await expect.poll(async () => (await edge.observe(signal)).version).toBeGreaterThan(0);
  await fence.stop();
  expect(told).toContain("halted");
  expect(told.join(" ")).toContain("FENCED");
});

it("stays fenced when the repository cannot be reached, and serves on when it never knew (R-205)", async () => {
  const [fenced, unaware] = [host(), host()];
  await raiseEpoch(repository, { installation: "inst_1", reason: "recover", now: clock.now() }, signal);
  await fenced.fence.atStart();
  reachable = false;
  expect(await fenced.fence.atStart()).toBe(true);
  expect(await unaware.fence.atStart()).toBe(false);
  expect(unaware.told.join(" ")).toContain("cannot see whether another host has taken over");
});

it("serves again once taken back, and then the other one is fenced (R-205)", async () => {
  const [old, replacement] = [host(), host()];
  const epoch = await raiseEpoch(repository, { installation: "inst_1", reason: "recover", now: 1 }, signal);
  new LossRecords(replacement.store).put("installation", { id: "inst_1", epoch });
  await old.fence.atStart();
  expect(await replacement.fence.atStart()).toBe(false);
  expect(await old.fence.takeBack("it was only the network")).toBe(2);
  expect(old.fence.refusal).toBeUndefined();
  expect(await old.fence.atStart()).toBe(false);
  expect(old.store.audit.list(1)[0]).toMatchObject({ action: "fence.take-back", detail: { epoch: 2 } });
  expect(await replacement.fence.atStart()).toBe(true);
});
