import { describe, expect, it } from "vitest";
import type { Repository } from "../backup/port.ts";
import type { RecordStore, Store } from "../store/port.ts";
import { sourceLease } from "./backup-run.ts";
import type { SourceKeeper } from "./source-keeper.ts";
import { shop, VaultStage } from "./vault-support.ts";

class Killed extends Error {}

/** Counts every call that leaves the control plane, before and after its effect; from number `at` on it is dead. */
class Mortal {
  #calls = 0;
  readonly #at: number;
  constructor(at: number) {
    this.#at = at;
  }

  get died(): boolean {
    return this.#calls >= this.#at;
  }

  step(): void {
    this.#calls += 1;
    if (this.#calls >= this.#at) throw new Killed(`killed at call ${this.#calls}`);
  }

  /** The same object, as the mortal process sees it. */
  through<T extends object>(target: T, only?: readonly string[]): T {
    return new Proxy(target, {
      get: (_target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        const call = (...args: unknown[]) => this.#call(() => Reflect.apply(value, target, args));
        return only === undefined || only.includes(String(name)) ? call : value.bind(target);
      },
    });
  }

  #call(work: () => unknown): unknown {
    this.step();
    const result = work();
    if (!(result instanceof Promise)) {
      this.step();
      return result;
    }
    return result.then((value: unknown) => {
      this.step();
      return value;
    });
  }
}

function mortalStore(store: Store, mortal: Mortal): Store {
  const records = mortal.through<RecordStore>(store.records, ["put", "remove"]);
  const leases = mortal.through(store.leases);
  return new Proxy(store, {
    get: (_target, name) => {
      if (name === "records") return records;
      if (name === "leases") return leases;
      const value: unknown = Reflect.get(store, name);
      return typeof value === "function" ? value.bind(store) : value;
    },
  });
}

/** Begins a backup after a good one, dies at the call of that number, and comes back. Answers whether it died. */
async function killedAt(at: number): Promise<boolean> {
  const stage = new VaultStage();
  await stage.addRepository();
  stage.backups = { keep: { last: 1, daily: 0, weekly: 0, monthly: 0 } };
  stage.vault.start();
  const good = await stage.backUp();
  await stage.vault.stop();
  stage.clock.advance(3600_000);

  const mortal = new Mortal(at);
  const vault = stage.open({
    store: mortalStore(stage.store, mortal),
    repository: mortal.through<Repository>(stage.repository),
    keeper: mortal.through<SourceKeeper>(stage.keeper),
  });
  vault.start();
  await stage.settle();
  let asked = true;
  try {
    vault.request(shop, ["db"], { requestedBy: "ada", reason: "" });
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    asked = stage.open().runs.unfinished().length > 0;
  }
  await stage.settle();
  const { died } = mortal;

  stage.clock.advance(61_000);
  const after = stage.open();
  after.start();
  await stage.settle();
  const there = after.runs.ofScope(shop);
  expect(there.filter(({ state }) => state === "queued" || state === "running")).toEqual([]);
  const newest = there[0];
  if (asked && newest?.id !== good.id)
    expect([at, newest]).toEqual([at, expect.objectContaining({ state: "done", verdict: "verified" })]);
  const snapshots = (await stage.repository.list({})).filter(({ kind }) => kind === "postgres");
  const known = there.flatMap((run) =>
    run.snapshot && run.forgottenAt === undefined ? [run.snapshot.id] : [],
  );
  expect([at, snapshots.map(({ id }) => id).sort()]).toEqual([at, known.sort()]);
  expect(known.length).toBeGreaterThan(0);
  expect([...stage.keeper.places]).toEqual([]);
  const lease = sourceLease(shop, "db");
  expect(stage.store.leases.acquire(lease, "next", 1000, stage.clock.now())).toBe(true);
  await after.stop();
  return died;
}

describe("a control plane that is killed during a backup (R-134)", () => {
  it("converges from every single call: the run ends verified, no half or unknown snapshot, nothing left behind", async () => {
    let at = 1;
    for (; at < 200; at += 1) if (!(await killedAt(at))) break;
    // Store, lease, dump, save, prove, manifest, retention: before and after each.
    expect(at).toBeGreaterThan(25);
    expect(at).toBeLessThan(200);
  }, 60_000);

  it("goes on after restarts in good order, however many", async () => {
    const stage = new VaultStage();
    await stage.addRepository();
    const dump = stage.keeper.dump.bind(stage.keeper);
    stage.keeper.dump = async () => ({
      content: endless(),
      manifest: () => Promise.reject(new Error("nobody asks for it")),
    });
    const [run] = stage.vault.request(shop, [], { requestedBy: "ada", reason: "" });
    for (let restart = 0; restart < 5; restart += 1) {
      stage.open().start();
      await stage.settle();
      await stage.vault.stop();
    }
    stage.keeper.dump = dump;
    stage.open().start();
    await stage.settle();
    expect(stage.vault.find(run?.id ?? "")).toMatchObject({ state: "done", verdict: "verified", attempt: 1 });
    await stage.vault.stop();
  });

  it("gives up on a run that it never survives", async () => {
    const stage = new VaultStage();
    await stage.addRepository();
    const [run] = stage.vault.request(shop, [], { requestedBy: "ada", reason: "" });
    if (run) stage.vault.runs.put({ ...run, state: "running", attempt: 3 });
    stage.open().start();
    await stage.settle();
    expect(stage.vault.find(run?.id ?? "")).toMatchObject({
      state: "failed",
      failure: { code: "VAULT_INTERRUPTED" },
    });
    await stage.vault.stop();
  });
});

/** Content that does not end before the control plane does. */
async function* endless(): AsyncIterable<Uint8Array> {
  for (;;) {
    yield Buffer.from("more");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
