import { storeError } from "../errors.ts";
import type { Store } from "../port.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import {
  auditStore,
  leaseStore,
  readMeta,
  scopeStore,
  secretStore,
  tokenStore,
  writeMeta,
} from "./sqlite-facts.ts";
import { deploymentStore, releaseStore } from "./sqlite-history.ts";
import { Vault } from "./sqlite-key.ts";
import { recordStore } from "./sqlite-records.ts";

export type SqliteStoreOptions = {
  /** The database file; made with mode 0600 when missing. */
  path: string;
  /** 32 bytes, from `readOrCreateKey`. */
  key: Uint8Array;
  /** How long a write waits for another process. It blocks this one. @default 2000 */
  busyTimeoutMs?: number;
};

/**
 * The production store: one SQLite file. Errors: `STORE_NEWER_SCHEMA`, `STORE_KEY_MISMATCH`, `STORE_CORRUPT`,
 * `STORE_LOCKED`, `STORE_UNAVAILABLE`; nothing is changed in the file when it refuses to open.
 */
export function createSqliteStore(options: SqliteStoreOptions): Store {
  return openSqlite(options).store;
}

/** With what a rotation of the key works on. */
export function openSqlite(options: SqliteStoreOptions): { store: Store; db: SqliteDatabase; vault: Vault } {
  const vault = new Vault(options.key);
  const db = new SqliteDatabase(options.path, { busyTimeoutMs: options.busyTimeoutMs ?? 2000 });
  try {
    checkKey(db, vault);
  } catch (error) {
    db.close();
    throw error;
  }
  const store: Store = {
    name: "sqlite",
    releases: releaseStore(db, vault),
    deployments: deploymentStore(db, vault),
    scopes: scopeStore(db),
    leases: leaseStore(db),
    audit: auditStore(db, vault),
    tokens: tokenStore(db),
    secrets: secretStore(db, vault),
    records: recordStore(db),
    transaction: (work) => db.transaction(work),
    close: () => db.close(),
  };
  return { store, db, vault };
}

/** A database opened with another key would read as damaged later; say what it is at once. */
function checkKey(db: SqliteDatabase, vault: Vault): void {
  const written = readMeta(db, "key_check");
  if (written === undefined) db.transaction(() => writeMeta(db, "key_check", vault.keyCheck));
  else if (written !== vault.keyCheck)
    throw storeError("STORE_KEY_MISMATCH", `the key does not belong to the database ${db.path}`);
  const fingerprints = readMeta(db, "fingerprint_key");
  if (fingerprints !== undefined) vault.useFingerprintKey(Buffer.from(fingerprints, "base64"));
}
