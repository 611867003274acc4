import { existsSync, rmSync } from "node:fs";
import { hasCode } from "../../lib/platform-error.ts";
import { storeError } from "../errors.ts";
import type { Store } from "../port.ts";
import { openSqlite } from "./sqlite.ts";
import type { Row, SqliteDatabase } from "./sqlite-database.ts";
import { readMeta, writeMeta } from "./sqlite-facts.ts";
import { moveKey, readKey, readOrCreateKey, type Vault, writeNewKey } from "./sqlite-key.ts";

export type RotationStep = "key written" | "encrypting" | "encrypted" | "key in place";

export type StoreOfHome = {
  store: Store;
  /**
   * Encrypts everything anew under a new key and puts that in the place of the old one; answers how many values. Killed
   * anywhere, the next start finds a key that opens the database.
   */
  rotateKey: (onStep?: (step: RotationStep) => void) => number;
};

/** Opens the store with the key in its file, and ends a rotation that a crash has cut short. */
export function openStoreOfHome(options: {
  path: string;
  keyPath: string;
  busyTimeoutMs?: number;
}): StoreOfHome {
  const { keyPath, ...rest } = options;
  const nextPath = `${keyPath}.new`;
  const key = readOrCreateKey(keyPath);
  const next = readKey(nextPath);
  let opened: ReturnType<typeof openSqlite>;
  try {
    opened = openSqlite({ ...rest, key });
    // The database never came under the new key.
    if (next) rmSync(nextPath, { force: true });
  } catch (error) {
    if (!next || !hasCode(error, "STORE_KEY_MISMATCH")) throw error;
    opened = openSqlite({ ...rest, key: next });
    moveKey(nextPath, keyPath);
  }
  const { store, db, vault } = opened;
  return { store, rotateKey: (onStep) => rotate({ db, vault }, { keyPath, nextPath }, onStep) };
}

function rotate(
  { db, vault }: { db: SqliteDatabase; vault: Vault },
  { keyPath, nextPath }: { keyPath: string; nextPath: string },
  onStep: (step: RotationStep) => void = () => undefined,
): number {
  // Overwritten, it could be the only key to the database.
  if (existsSync(nextPath))
    throw storeError(
      "STORE_UNAVAILABLE",
      `an earlier rotation has left ${nextPath}: restart the control plane`,
    );
  const next = vault.underKey(writeNewKey(nextPath));
  onStep("key written");
  let values: number;
  try {
    values = db.transaction(() => {
      const sealedAnew = encryptAnew(db, vault, next, onStep);
      writeMeta(db, "fingerprint_key", Buffer.from(next.sealedFingerprintKey()).toString("base64"));
      writeMeta(db, "key_check", next.keyCheck);
      return sealedAnew;
    });
  } catch (error) {
    if (readMeta(db, "key_check") === vault.keyCheck) rmSync(nextPath, { force: true });
    throw error;
  }
  vault.become(next);
  onStep("encrypted");
  moveKey(nextPath, keyPath);
  onStep("key in place");
  return values;
}

/** A column of sealed values: where it is, which row it is, and what it was sealed for. */
type Column = {
  select: string;
  read: string;
  update: string;
  id: (row: Row) => string[];
  context: (id: string[]) => string;
};

const columns: readonly Column[] = [
  {
    select: "SELECT id FROM releases",
    read: "SELECT bundle AS sealed FROM releases WHERE id = ?",
    update: "UPDATE releases SET bundle = ? WHERE id = ?",
    id: (row) => [String(row["id"])],
    context: ([id]) => `release ${id}`,
  },
  {
    select: "SELECT id FROM deployments WHERE request IS NOT NULL",
    read: "SELECT request AS sealed FROM deployments WHERE id = ?",
    update: "UPDATE deployments SET request = ? WHERE id = ?",
    id: (row) => [String(row["id"])],
    context: ([id]) => `deployment ${id}`,
  },
  {
    select: "SELECT scope, name, version FROM secrets",
    read: "SELECT content AS sealed FROM secrets WHERE scope = ? AND name = ? AND version = ?",
    update: "UPDATE secrets SET content = ? WHERE scope = ? AND name = ? AND version = ?",
    id: (row) => [String(row["scope"]), String(row["name"]), String(row["version"])],
    context: ([scope, name, version]) => `secret ${scope} ${name} ${version}`,
  },
];

function encryptAnew(
  db: SqliteDatabase,
  from: Vault,
  to: Vault,
  onStep: (step: RotationStep) => void,
): number {
  let values = 0;
  for (const { select, read, update, id, context } of columns) {
    for (const row of db.all(select)) {
      const key = id(row);
      const sealed = db.one(read, ...key)?.["sealed"];
      if (!(sealed instanceof Uint8Array))
        throw storeError("STORE_CORRUPT", `${context(key)} has no content`);
      db.run(update, to.seal(context(key), from.open(context(key), sealed)), ...key);
      values += 1;
      onStep("encrypting");
    }
  }
  return values;
}
