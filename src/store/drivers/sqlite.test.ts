import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { PlatformError } from "../../lib/platform-error.ts";
import { storeConformance } from "../conformance.ts";
import type { Store } from "../port.ts";
import { aBundle, aDeployment, aRelease, aRequest, shop } from "../store-support.ts";
import { createSqliteStore } from "./sqlite.ts";
import { readOrCreateKey } from "./sqlite-key.ts";

const root = mkdtempSync(join(tmpdir(), "roadstead-store-"));
const opened = new Map<Store, string>();
let count = 0;

afterAll(() => {
  for (const store of opened.keys()) store.close();
  rmSync(root, { recursive: true });
});

const keyPath = join(root, "key");
const key = readOrCreateKey(keyPath);

function open(path: string): Store {
  const store = createSqliteStore({ path, key, busyTimeoutMs: 20 });
  opened.set(store, path);
  return store;
}

function freshPath(): string {
  count += 1;
  return join(root, `${count}`, "roadstead.db");
}

storeConformance("sqlite", {
  make: () => open(freshPath()),
  reopen: (store) => {
    store.close();
    return open(opened.get(store) ?? "");
  },
});

function failureOf(work: () => unknown): PlatformError {
  try {
    work();
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** Changes the file behind the store's back. */
function tamper(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

const change = { at: 1, actor: "ada", action: "deploy", target: "shop/production", detail: { n: 1 } };
const openTriggers = "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_deleted;";

describe("sqlite: the audit trail", () => {
  it.each([
    ["a changed row", "UPDATE audit SET actor = 'eve' WHERE seq = 2", 2],
    ["a removed row", "DELETE FROM audit WHERE seq = 2", 3],
    ["a removed end", "DELETE FROM audit WHERE seq = 3", 2],
    ["a removed trail", "DELETE FROM audit", 0],
  ])("verify finds %s", (_, sql, seq) => {
    const path = freshPath();
    const store = open(path);
    for (const at of [1, 2, 3]) store.audit.append({ ...change, at });
    tamper(path, `${openTriggers}${sql}`);
    expect(store.audit.verify()?.seq).toBe(seq);
  });

  it("can't be changed with SQL while the schema is intact", () => {
    const path = freshPath();
    open(path).audit.append(change);
    expect(() => tamper(path, "UPDATE audit SET actor = 'eve'")).toThrow(/append-only/);
    expect(() => tamper(path, "DELETE FROM audit")).toThrow(/append-only/);
  });
});

describe("sqlite: at rest", () => {
  it("keeps no secret, Compose text, variable or request in clear, and the files private", () => {
    const path = freshPath();
    const store = open(path);
    const bundle = aBundle({ texts: { "/a": "MARKER-text" }, variables: { A: "MARKER-variable" } });
    store.releases.create(aRelease("r", { bundle }));
    store.deployments.create(aDeployment("d", { request: aRequest({ bundle }) }));
    store.secrets.put(shop, "password", Buffer.from("MARKER-secret"));
    const folder = join(path, "..");
    for (const file of readdirSync(folder)) {
      expect(readFileSync(join(folder, file)).includes("MARKER")).toBe(false);
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(keyPath).mode & 0o777).toBe(0o600);
  });

  it("does not open a secret that was moved to another row", () => {
    const path = freshPath();
    const store = open(path);
    const version = store.secrets.put(shop, "password", Buffer.from("a"));
    tamper(path, "UPDATE secrets SET name = 'other'");
    expect(failureOf(() => store.secrets.get(shop, "other", version)).code).toBe("STORE_CORRUPT");
  });

  it("keeps the key over starts and refuses a key file of the wrong size", () => {
    expect(readOrCreateKey(keyPath)).toEqual(key);
    const broken = join(root, "broken-key");
    writeFileSync(broken, "short");
    expect(failureOf(() => readOrCreateKey(broken)).code).toBe("STORE_KEY_INVALID");
  });
});

describe("sqlite: what it refuses to open", () => {
  it("names a newer schema and leaves the file as it is", () => {
    const path = freshPath();
    open(path).close();
    tamper(path, "INSERT INTO schema_version (version) VALUES (999)");
    const failure = failureOf(() => open(path));
    expect(failure.code).toBe("STORE_NEWER_SCHEMA");
    expect(failure.message).toContain("999");
    expect(failure.hint).toBeDefined();
  });

  it("names another key", () => {
    const path = freshPath();
    open(path).close();
    const other = readOrCreateKey(join(root, "other-key"));
    expect(failureOf(() => createSqliteStore({ path, key: other })).code).toBe("STORE_KEY_MISMATCH");
  });

  it("names a damaged file", () => {
    const path = freshPath();
    const store = open(path);
    for (let n = 0; n < 200; n += 1) store.audit.append(change);
    store.close();
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0x5a)]));
    expect(failureOf(() => open(path)).code).toBe("STORE_CORRUPT");
    writeFileSync(path, "this is no database, but long enough to be taken for one".repeat(20));
    expect(failureOf(() => open(path)).code).toBe("STORE_CORRUPT");
  });

  it("names a lock held by another process instead of waiting for ever", () => {
    const path = freshPath();
    const store = open(path);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    expect(failureOf(() => store.audit.append(change)).code).toBe("STORE_LOCKED");
    other.exec("ROLLBACK");
    other.close();
    expect(store.audit.append(change).seq).toBe(1);
  });

  it("names a place it can't write to", () => {
    expect(failureOf(() => open(join(keyPath, "roadstead.db"))).code).toBe("STORE_UNAVAILABLE");
  });
});
