import { DatabaseSync } from "node:sqlite";
import { storeError } from "../errors.ts";
import type { Store } from "../port.ts";
import { openStoreOfHome } from "./sqlite-rotation.ts";

/** What of it there is; `checksum` where one number says nothing. */
export type Holding = { name: string; rows: number; checksum?: string };

const tables = ["releases", "deployments", "journal", "scopes", "secrets", "tokens", "audit"] as const;
/** Change by themselves between a copy and its opening: who holds what, and who was here last. */
const ephemeral = new Set(["sessions"]);

/** A whole copy of the store while it is in use, as SQLite's own online backup makes it. */
export async function copyStore(from: string, to: string): Promise<void> {
  const { backup } = await import("node:sqlite");
  const db = new DatabaseSync(from, { readOnly: true, timeout: 5000 });
  try {
    await backup(db, to, { rate: 500 });
  } finally {
    db.close();
  }
}

/**
 * What a store holds, opened as the control plane opens it: with its key, and with the chain of its audit trail
 * recomputed. Errors: those of the store, `STORE_CORRUPT` for a broken chain.
 */
export function holdingsOf(options: { path: string; keyPath: string }): Holding[] {
  const { store } = openStoreOfHome(options);
  let head: string;
  try {
    const broken = store.audit.verify();
    if (broken) throw storeError("STORE_CORRUPT", `the audit trail does not fit at entry ${broken.seq}`);
    openEverySecretOf(store);
    head = store.audit.list(1)[0]?.hash ?? "";
  } finally {
    store.close();
  }
  const db = new DatabaseSync(options.path, { readOnly: true });
  try {
    const count = (table: string) => Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
    const counted = tables.map((name) => {
      const holding = { name, rows: count(name) };
      return name === "audit" ? { ...holding, checksum: head } : holding;
    });
    return [...counted, ...recordsOf(db)];
  } finally {
    db.close();
  }
}

/** Releases are sealed with the key: the newest of each scope must open. */
function openEverySecretOf(store: Store): void {
  for (const { scope } of store.scopes.list()) {
    for (const { fileVersions } of store.releases.list(scope, 1))
      for (const [name, version] of Object.entries(fileVersions)) store.secrets.get(scope, name, version);
  }
}

function recordsOf(db: DatabaseSync): Holding[] {
  const rows = db
    .prepare("SELECT collection, count(*) AS n FROM records GROUP BY collection ORDER BY 1")
    .all();
  return rows
    .map((row) => ({ name: `records.${String(row["collection"])}`, rows: Number(row["n"]) }))
    .filter(({ name }) => !ephemeral.has(name.slice("records.".length)));
}
