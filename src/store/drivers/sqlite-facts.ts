import { scopeKey } from "../../rollout/ids.ts";
import { auditGenesis, auditHash, firstBrokenEntry } from "../audit-chain.ts";
import { emptyScope } from "../defaults.ts";
import type {
  ApiToken,
  AuditEntry,
  AuditStore,
  LeaseStore,
  ScopeState,
  ScopeStore,
  SecretStore,
  TokenStore,
} from "../port.ts";
import type { Row, SqliteDatabase } from "./sqlite-database.ts";
import type { Vault } from "./sqlite-key.ts";

export function scopeStore(db: SqliteDatabase): ScopeStore {
  const read = (row: Row) => JSON.parse(String(row["body"])) as ScopeState;
  const get = (key: string) => {
    const row = db.one("SELECT body FROM scopes WHERE key = ?", key);
    return row && read(row);
  };
  return {
    get: (scope) => get(scopeKey(scope)),
    list: () => db.all("SELECT body FROM scopes ORDER BY key").map(read),
    update: (scope, change) =>
      db.transaction(() => {
        const key = scopeKey(scope);
        const changed = change(get(key) ?? emptyScope(scope));
        db.run(
          "INSERT INTO scopes (key, body) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body",
          key,
          JSON.stringify(changed),
        );
        return changed;
      }),
    remove: (scope) => void db.transaction(() => db.run("DELETE FROM scopes WHERE key = ?", scopeKey(scope))),
    nextEdgeVersion: () =>
      db.transaction(() => {
        const next = Number(readMeta(db, "edge_version") ?? 0) + 1;
        writeMeta(db, "edge_version", String(next));
        return next;
      }),
  };
}

export function leaseStore(db: SqliteDatabase): LeaseStore {
  return {
    acquire: (name, holder, ttlMs, now) =>
      db.relaxed(
        () =>
          db.run(
            `INSERT INTO leases (name, holder, until) VALUES (?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE holder = excluded.holder OR until <= ?`,
            name,
            holder,
            now + ttlMs,
            now,
          ) === 1,
      ),
    release: (name, holder) =>
      void db.relaxed(() => db.run("DELETE FROM leases WHERE name = ? AND holder = ?", name, holder)),
  };
}

/** Missing entries at the end leave the chain intact; the seal, which needs the key, tells. */
const missingEnd: AuditEntry = {
  seq: 0,
  at: 0,
  actor: "",
  action: "audit.missing",
  target: "",
  detail: {},
  hash: auditGenesis,
};

export function auditStore(db: SqliteDatabase, vault: Vault): AuditStore {
  const read = (row: Row): AuditEntry => ({
    seq: Number(row["seq"]),
    at: Number(row["at"]),
    actor: String(row["actor"]),
    action: String(row["action"]),
    target: String(row["target"]),
    detail: JSON.parse(String(row["detail"])) as AuditEntry["detail"],
    hash: String(row["hash"]),
  });
  const newest = () => {
    const row = db.one("SELECT * FROM audit ORDER BY seq DESC LIMIT 1");
    return row && read(row);
  };
  const sealOf = (entry: AuditEntry) => vault.fingerprint("audit", Buffer.from(`${entry.seq}:${entry.hash}`));
  return {
    append: (entry) =>
      db.transaction(() => {
        const last = newest();
        // Through JSON first: the hash must cover what is stored, without fields that are undefined.
        const detail = JSON.parse(JSON.stringify(entry.detail)) as AuditEntry["detail"];
        const numbered = { ...entry, detail, seq: (last?.seq ?? 0) + 1 };
        const appended = { ...numbered, hash: auditHash(last?.hash ?? auditGenesis, numbered) };
        db.run(
          "INSERT INTO audit (seq, at, actor, action, target, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
          appended.seq,
          appended.at,
          appended.actor,
          appended.action,
          appended.target,
          JSON.stringify(detail),
          appended.hash,
        );
        writeMeta(db, "audit_seal", sealOf(appended));
        return appended;
      }),
    list: (limit, before = Number.MAX_SAFE_INTEGER) =>
      db.all("SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?", before, limit).map(read),
    verify() {
      const broken = firstBrokenEntry(db.each("SELECT * FROM audit ORDER BY seq").map(read));
      if (broken) return broken;
      const last = newest();
      const seal = readMeta(db, "audit_seal");
      if (seal === (last && sealOf(last))) return undefined;
      return last ?? missingEnd;
    },
  };
}

type TokenAccess = Pick<ApiToken, "grants" | "expiresAt" | "owner">;

export function tokenStore(db: SqliteDatabase): TokenStore {
  const read = (row: Row): ApiToken => ({
    id: String(row["id"]),
    name: String(row["name"]),
    createdAt: Number(row["created_at"]),
    ...(row["last_used_at"] === null ? {} : { lastUsedAt: Number(row["last_used_at"]) }),
    ...(row["access"] === null ? {} : (JSON.parse(String(row["access"])) as TokenAccess)),
  });
  return {
    create: ({ id, name, secretHash, createdAt, ...access }) =>
      void db.transaction(() =>
        db.run(
          "INSERT INTO tokens (id, name, secret_hash, created_at, access) VALUES (?, ?, ?, ?, ?)",
          id,
          name,
          secretHash,
          createdAt,
          JSON.stringify(access satisfies TokenAccess),
        ),
      ),
    findByHash(secretHash) {
      const row = db.one("SELECT * FROM tokens WHERE secret_hash = ?", secretHash);
      return row && read(row);
    },
    touch: (id, at) =>
      void db.relaxed(() => db.run("UPDATE tokens SET last_used_at = ? WHERE id = ?", at, id)),
    list: () => db.all("SELECT * FROM tokens ORDER BY created_at, id").map(read),
    remove: (id) => void db.transaction(() => db.run("DELETE FROM tokens WHERE id = ?", id)),
  };
}

export function secretStore(db: SqliteDatabase, vault: Vault): SecretStore {
  return {
    put(scope, name, content) {
      const key = scopeKey(scope);
      const version = vault.fingerprint(`secret ${key} ${name}`, content).slice(0, 16);
      db.transaction(() =>
        db.run(
          "INSERT INTO secrets (scope, name, version, content) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
          key,
          name,
          version,
          vault.seal(`secret ${key} ${name} ${version}`, content),
        ),
      );
      return version;
    },
    get(scope, name, version) {
      const key = scopeKey(scope);
      const row = db.one(
        "SELECT content FROM secrets WHERE scope = ? AND name = ? AND version = ?",
        key,
        name,
        version,
      );
      const content = row?.["content"];
      if (!(content instanceof Uint8Array)) return undefined;
      return new Uint8Array(vault.open(`secret ${key} ${name} ${version}`, content));
    },
  };
}

export function readMeta(db: SqliteDatabase, key: string): string | undefined {
  const value = db.one("SELECT value FROM meta WHERE key = ?", key)?.["value"];
  return value === undefined ? undefined : String(value);
}

export function writeMeta(db: SqliteDatabase, key: string, value: string): void {
  db.run(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    value,
  );
}
