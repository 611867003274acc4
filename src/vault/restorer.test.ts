import { describe, expect, it } from "vitest";
import { MemoryRepository } from "../backup/drivers/memory.ts";
import { countingIds } from "../lib/ids.ts";
import type { News } from "../notify/news.ts";
import { aStackService, by, requestFor, scope, World } from "../reconciler/world-support.ts";
import type { Stack } from "../stack/stack.ts";
import { RepositoryBook } from "./repository-book.ts";
import { VolumeBuilder } from "./restore-builder.ts";
import type { RestoreParts } from "./restore-parts.ts";
import type { RestoreRun } from "./restore-run.ts";
import { Restorer } from "./restorer.ts";
import { Vault } from "./vault.ts";
import { VolumeKeeper } from "./volume-keeper.ts";

const files = aStackService("files", {
  kind: "worker",
  strategy: "recreate",
  compose: { image: "files:1", volumes: [{ type: "volume", source: "data", target: "/data" }] },
});
const web = aStackService("web", {
  dependsOn: [{ service: "files", condition: "started", required: true }],
});
const signal = AbortSignal.timeout(60_000);

/** One file in an archive. */
function tarOf(text: string): Buffer {
  const header = Buffer.alloc(512);
  header.write("./file", 0);
  header.write("0000600\0", 100);
  header.write(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const body = Buffer.alloc(512);
  body.write(text);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}

class Killed extends Error {}

/** What a dead process would still do to it fails instead. */
function mortal<T extends object>(target: T, isDead: () => boolean): T {
  return new Proxy(target, {
    get: (one, key) => {
      const value: unknown = Reflect.get(one, key, one);
      if (typeof value === "function")
        return (...given: unknown[]) => {
          if (isDead()) throw new Killed("dead");
          return (value as (...all: unknown[]) => unknown).apply(one, given);
        };
      return typeof value === "object" && value !== null ? mortal(value, isDead) : value;
    },
  });
}

/** A stack with one volume, its backups, and control planes that can be killed. */
class Stage {
  readonly world = new World();
  readonly repository = new MemoryRepository();
  readonly news: News[] = [];
  readonly ids = countingIds();
  vault!: Vault;
  restorer!: Restorer;

  async open(): Promise<this> {
    const { world } = this;
    const request = requestFor([files, web]);
    const stack = JSON.parse(request.bundle.texts["/project/stack.json"] ?? "") as Stack;
    const whole = { ...stack, volumes: { data: { name: "shop_data" } } };
    const bundle = { ...request.bundle, texts: { "/project/stack.json": JSON.stringify(whole) } };
    await world.finished(world.engine.deploy(scope, { ...request, bundle }, by));
    this.volumes.write("shop_data", tarOf("good"));
    const book = new RepositoryBook(world.store, () => this.repository);
    await book.add({ name: "main", location: "/backups", credentials: {} }, 0, signal);
    this.start();
    return this;
  }

  get volumes() {
    return this.world.runtime.volumeFiles as unknown as {
      write(name: string, content: Uint8Array): void;
      exists(scope: unknown, volume: { name: string }): Promise<boolean>;
      archive(scope: unknown, tree: object, options: object, signal: AbortSignal): AsyncIterable<Uint8Array>;
    };
  }

  /** A control plane over what the one before has left. */
  start(onSaved: (run: RestoreRun) => void = () => undefined, isDead = () => false): void {
    const { world } = this;
    const { clock } = world;
    const { store, runtime } = world;
    const parts = world.parts();
    const shared = { store, clock, ids: this.ids, notify: (news: News) => void this.news.push(news) };
    const repositories = new RepositoryBook(store, () => this.repository);
    const keeper = new VolumeKeeper({ runtime, store, clock });
    const rest = {
      repositories,
      resolve: parts.resolve,
      mask: (_: unknown, text: string) => text,
      log: () => undefined,
    };
    this.vault = new Vault({ ...shared, ...rest, keepers: { volume: keeper } });
    this.vault.start();
    const restore: RestoreParts = {
      ...shared,
      ...rest,
      store: mortal(store, isDead),
      runtime: mortal(runtime, isDead),
      vault: this.vault,
      builders: { volume: new VolumeBuilder({ runtime: mortal(runtime, isDead), clock }) },
      engine: mortal(world.engine, isDead),
      onSaved,
    };
    this.restorer = new Restorer(restore);
    this.restorer.start();
  }

  async backUp(): Promise<string> {
    const [run] = this.vault.request(scope, [], { requestedBy: "ada", reason: "" });
    const id = run?.id ?? "";
    await this.world.until(() => this.vault.find(id).finishedAt !== undefined, "the backup", 600);
    expect(this.vault.find(id).verdict).toBe("verified");
    return id;
  }

  async finished(id: string): Promise<RestoreRun> {
    await this.world.until(() => this.restorer.find(id).finishedAt !== undefined, `${id} finished`, 900);
    return this.restorer.find(id);
  }

  /** What the service that runs sees. */
  async serves(): Promise<string> {
    const replicas = await this.world.runtime.observe(scope, signal);
    const running = replicas.find(({ service, state }) => service === "files" && state === "running");
    const volume = running && this.world.runtime.specOf(running.id)?.volumes["data"];
    const chunks: Uint8Array[] = [];
    const tree = { volume: volume ?? { name: "" } };
    for await (const chunk of this.volumes.archive(scope, tree, { exclude: [] }, signal)) chunks.push(chunk);
    return Buffer.concat(chunks).subarray(512, 516).toString("utf8");
  }

  holds(): boolean {
    return this.world.store.scopes.get(scope)?.routing["web"]?.hold === true;
  }
}

const ada = { requestedBy: "ada", reason: "" };

describe("restore (R-142, R-143)", () => {
  it("serves the backup from a new volume, keeps the old one, and takes it back when asked", async () => {
    const stage = await new Stage().open();
    await stage.backUp();
    stage.volumes.write("shop_data", tarOf("lost"));
    expect(await stage.serves()).toBe("lost");
    const run = await stage.finished(stage.restorer.request(scope, {}, ada).id);
    expect(run).toMatchObject({ state: "done", phase: "switch" });
    expect(await stage.serves()).toBe("good");
    expect(await stage.volumes.exists(scope, { name: "shop_data" })).toBe(true);
    expect(stage.holds()).toBe(false);
    const undo = await stage.finished(stage.restorer.undo(run.id, ada).id);
    expect(undo.state).toBe("done");
    expect(await stage.serves()).toBe("lost");
    await stage.restorer.release(run.id, signal);
    const [kept] = Object.values(run.items[0]?.mounts ?? {});
    expect(await stage.volumes.exists(scope, { name: kept ?? "" })).toBe(false);
  });

  it("copies once more what serves before it goes, and that copy can be restored too", async () => {
    const stage = await new Stage().open();
    await stage.backUp();
    stage.volumes.write("shop_data", tarOf("late"));
    const run = await stage.finished(stage.restorer.request(scope, { what: "data" }, ada).id);
    expect(run.safety).toBeDefined();
    const again = stage.restorer.request(scope, { snapshot: run.safety ?? "", noSafety: true }, ada);
    expect(await stage.finished(again.id)).toMatchObject({ state: "done" });
    expect(await stage.serves()).toBe("late");
  });

  it("leaves what serves untouched when the copy is not what was copied", async () => {
    const stage = await new Stage().open();
    const id = await stage.backUp();
    const backup = stage.vault.find(id);
    const parts = [{ name: "data", rows: 99 }];
    if (backup.manifest) stage.vault.runs.put({ ...backup, manifest: { ...backup.manifest, parts } });
    stage.volumes.write("shop_data", tarOf("here"));
    const run = await stage.finished(stage.restorer.request(scope, {}, ada).id);
    expect(run).toMatchObject({ state: "failed", failure: { code: "VAULT_UNPROVEN" } });
    expect(await stage.serves()).toBe("here");
    const [left] = Object.values(run.items[0]?.mounts ?? {});
    expect(await stage.volumes.exists(scope, { name: left ?? "" })).toBe(false);
    expect(stage.news.find(({ title }) => title === "Restore failed")).toMatchObject({
      severity: "critical",
    });
  });

  it("returns to the old volume when nothing comes up on the new one", async () => {
    const stage = await new Stage().open();
    await stage.backUp();
    const { world } = stage;
    world.onJournal = (entry) => {
      if (entry.event !== "stepStarted" || entry.step.kind !== "startReplica") return;
      const fresh = world.store.deployments.get(entry.deployment)?.state === "running";
      world.runtime.behave("files:1", fresh ? { neverReady: true } : {});
    };
    const run = await stage.finished(stage.restorer.request(scope, {}, ada).id);
    expect(run).toMatchObject({ state: "failed", failure: { code: "VAULT_SWITCH_FAILED" } });
    expect(await stage.serves()).toBe("good");
    expect(stage.holds()).toBe(false);
  });

  it("refuses a second one meanwhile, a day without a backup, and a stack without any", async () => {
    const stage = await new Stage().open();
    expect(() => stage.restorer.request(scope, {}, ada)).toThrow(/no verified backup|nothing that could/);
    await stage.backUp();
    expect(() => stage.restorer.request(scope, { what: "data", date: "1999-01-01" }, ada)).toThrow(
      /no verified backup of 1999-01-01/,
    );
    const { id } = stage.restorer.request(scope, {}, ada);
    expect(() => stage.restorer.request(scope, {}, ada)).toThrow(/being restored already/);
    await stage.finished(id);
  });
});

describe("a control plane that is killed at any saved moment of a restore", () => {
  it("finishes it once it is back, with one switch and nobody left waiting (R-204)", async () => {
    const saves = await kill(Number.POSITIVE_INFINITY);
    expect(saves).toBeGreaterThan(5);
    for (let at = 1; at <= saves; at += 1) await kill(at);
  }, 60_000);
});

/** Kills the control plane at the nth save; answers how many there were. */
async function kill(at: number): Promise<number> {
  const stage = await new Stage().open();
  await stage.backUp();
  stage.volumes.write("shop_data", tarOf("lost"));
  let saves = 0;
  let killed = false;
  const killing = () => {
    saves += 1;
    if (saves !== at) return;
    killed = true;
    throw new Killed("now");
  };
  await stage.vault.stop();
  stage.start(killing, () => killed);
  const { id } = stage.restorer.request(scope, {}, ada);
  if (at === Number.POSITIVE_INFINITY) await stage.finished(id);
  else {
    await stage.world.until(() => killed, "the kill", 900);
    await stage.world.rest(1);
    await stage.vault.stop();
    stage.start();
    expect(await stage.finished(id)).toMatchObject({ state: "done" });
  }
  expect(await stage.serves()).toBe("good");
  expect(stage.holds()).toBe(false);
  const switches = stage.world.store.deployments.list(scope, 50).filter(({ kind }) => kind === "restart");
  expect(switches.map(({ state }) => state)).toEqual(["succeeded"]);
  return saves;
}
