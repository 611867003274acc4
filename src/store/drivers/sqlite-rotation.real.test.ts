import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { aBundle, aDeployment, aRelease, aRequest, shop } from "../store-support.ts";
import { createSqliteStore } from "./sqlite.ts";
import { openStoreOfHome, type RotationStep } from "./sqlite-rotation.ts";

const homes: string[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true });
});

const secret = Buffer.from("the secret of the shop");

/** A store with one value of each kind; answers the versions that must be found again. */
function filled(): { home: string; version: string; key: string } {
  const home = mkdtempSync(join(tmpdir(), "roadstead-rotation-"));
  homes.push(home);
  const { store } = open(home);
  const version = store.secrets.put(shop, "KEY", secret);
  store.releases.create(aRelease("rel-1"));
  store.deployments.create({ ...aDeployment("dep-1"), request: aRequest() });
  store.audit.append({ at: 1, actor: "ada", action: "x", target: "y", detail: {} });
  store.close();
  return { home, version, key: keyOf(home) };
}

function open(home: string) {
  return openStoreOfHome({ path: join(home, "roadstead.db"), keyPath: join(home, "key") });
}

function keyOf(home: string): string {
  return readFileSync(join(home, "key")).toString("hex");
}

function expectWhole(home: string, version: string): void {
  const { store } = open(home);
  expect(Buffer.from(store.secrets.get(shop, "KEY", version) ?? []).toString()).toBe(String(secret));
  expect(store.secrets.put(shop, "KEY", secret)).toBe(version);
  expect(store.releases.list(shop, 1)[0]?.bundle).toEqual(aBundle());
  expect(store.deployments.list("all", 1)[0]?.request).toEqual(aRequest());
  expect(store.audit.verify()).toBeUndefined();
  store.close();
  expect(readdirSync(home).filter((name) => name.startsWith("key"))).toEqual(["key"]);
}

describe("rotation of the store's key (R-104)", () => {
  it("keeps every value and version, while it is open and after, and the old key opens nothing", () => {
    const { home, version, key } = filled();
    const { store, rotateKey } = open(home);
    expect(rotateKey()).toBe(3);
    expect(Buffer.from(store.secrets.get(shop, "KEY", version) ?? []).toString()).toBe(String(secret));
    const later = store.secrets.put(shop, "LATER", Buffer.from("after"));
    expect(rotateKey()).toBe(4);
    store.close();
    expect(keyOf(home)).not.toBe(key);
    expectWhole(home, version);
    const again = open(home).store;
    expect(String(Buffer.from(again.secrets.get(shop, "LATER", later) ?? []))).toBe("after");
    again.close();
    const old = { path: join(home, "roadstead.db"), key: Buffer.from(key, "hex") };
    expect(() => createSqliteStore(old)).toThrow(/key does not belong/);
  });

  it("changes nothing when a value does not open, and can be asked again", () => {
    const { home, version, key } = filled();
    const db = new DatabaseSync(join(home, "roadstead.db"));
    db.exec("CREATE TABLE spare AS SELECT content FROM secrets; UPDATE secrets SET content = zeroblob(40)");
    const { store, rotateKey } = open(home);
    expect(() => rotateKey()).toThrow(/does not open/);
    expect(existsSync(join(home, "key.new"))).toBe(false);
    expect(keyOf(home)).toBe(key);
    db.exec("UPDATE secrets SET content = (SELECT content FROM spare); DROP TABLE spare");
    db.close();
    expect(rotateKey()).toBe(3);
    store.close();
    expectWhole(home, version);
  });

  const steps: readonly RotationStep[] = ["key written", "encrypting", "encrypted", "key in place"];
  it.each(steps)("killed with SIGKILL at `%s`, the next start has every value and one key", (step) => {
    const { home, version, key } = filled();
    const script = join(home, "rotate.mjs");
    const module = JSON.stringify(join(import.meta.dirname, "sqlite-rotation.ts"));
    const paths = JSON.stringify({ path: join(home, "roadstead.db"), keyPath: join(home, "key") });
    writeFileSync(
      script,
      `const { openStoreOfHome } = await import(${module});
       const { rotateKey } = openStoreOfHome(${paths});
       rotateKey((step) => { if (step === ${JSON.stringify(step)}) process.kill(process.pid, "SIGKILL"); });`,
    );
    expect(spawnSync(process.execPath, [script]).signal).toBe("SIGKILL");
    const isNew = step === "encrypted" || step === "key in place";
    expectWhole(home, version);
    expect(keyOf(home) === key).toBe(!isNew);
  });
});
