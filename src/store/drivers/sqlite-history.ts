import type { DeploymentId, ReleaseId, Scope } from "../../rollout/ids.ts";
import { scopeKey } from "../../rollout/ids.ts";
import { keepOutputOfDeployments } from "../defaults.ts";
import { storeError } from "../errors.ts";
import type {
  Bundle,
  Deployment,
  DeploymentStore,
  DeployRequest,
  JournalEntry,
  Release,
  ReleaseStore,
} from "../port.ts";
import type { Row, SqliteDatabase } from "./sqlite-database.ts";
import type { Vault } from "./sqlite-key.ts";

/** How many deployments' output one creation may prune: each passes the limit once, more only after a change of the limit. */
const pruneBatch = 20;

export function releaseStore(db: SqliteDatabase, vault: Vault): ReleaseStore {
  const read = (row: Row): Release => {
    const body = JSON.parse(String(row["body"])) as Omit<Release, "bundle">;
    return { ...body, bundle: unseal<Bundle>(vault, `release ${body.id}`, row["bundle"]) };
  };
  return {
    create: (release) =>
      db.transaction(() => {
        const scope = scopeKey(release.scope);
        const last = db.one("SELECT max(number) AS number FROM releases WHERE scope = ?", scope);
        const created: Release = { ...release, number: Number(last?.["number"] ?? 0) + 1 };
        const { bundle, ...body } = created;
        db.run(
          "INSERT INTO releases (id, scope, number, body, bundle) VALUES (?, ?, ?, ?, ?)",
          created.id,
          scope,
          created.number,
          JSON.stringify(body),
          sealed(vault, `release ${created.id}`, bundle),
        );
        return created;
      }),
    get(id: ReleaseId) {
      const row = db.one("SELECT body, bundle FROM releases WHERE id = ?", id);
      return row && read(row);
    },
    list: (scope, limit) =>
      db
        .all(
          "SELECT body, bundle FROM releases WHERE scope = ? ORDER BY number DESC LIMIT ?",
          scopeKey(scope),
          limit,
        )
        .map(read),
  };
}

export function deploymentStore(db: SqliteDatabase, vault: Vault): DeploymentStore {
  const listeners = new Set<(entry: JournalEntry) => void>();
  return {
    ...deploymentRows(db, vault),
    append(entry) {
      const append = () => {
        const row = db.one(
          "INSERT INTO journal (deployment, event, body) SELECT id, ?, ? FROM deployments WHERE id = ? RETURNING seq",
          entry.event,
          JSON.stringify(entry),
          entry.deployment,
        );
        if (!row) throw storeError("STORE_NOT_FOUND", `there is no deployment ${entry.deployment}`);
        const appended: JournalEntry = { ...entry, seq: Number(row["seq"]) };
        db.afterCommit(() => {
          for (const listener of [...listeners]) listener(appended);
        });
        return appended;
      };
      return entry.event === "output" ? db.relaxed(append) : db.transaction(append);
    },
    // A negative LIMIT is none: https://www.sqlite.org/lang_select.html#limitoffset
    journal: (id, afterSeq, limit = -1) =>
      db
        .all(
          "SELECT seq, body FROM journal WHERE deployment = ? AND seq > ? ORDER BY seq LIMIT ?",
          id,
          afterSeq,
          limit,
        )
        .map((row) => ({ ...JSON.parse(String(row["body"])), seq: Number(row["seq"]) }) as JournalEntry),
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function deploymentRows(
  db: SqliteDatabase,
  vault: Vault,
): Omit<DeploymentStore, "append" | "journal" | "onAppend"> {
  const read = (row: Row): Deployment => {
    const body = JSON.parse(String(row["body"])) as Deployment;
    if (row["request"] === null) return body;
    return { ...body, request: unseal<DeployRequest>(vault, `deployment ${body.id}`, row["request"]) };
  };
  const get = (id: DeploymentId) => {
    const row = db.one("SELECT body, request FROM deployments WHERE id = ?", id);
    return row && read(row);
  };
  const columns = ({ request, ...body }: Deployment) => ({
    body: JSON.stringify(body),
    request: request ? sealed(vault, `deployment ${body.id}`, request) : null,
  });
  return {
    create: (deployment) =>
      db.transaction(() => {
        const { body, request } = columns(deployment);
        const scope = scopeKey(deployment.scope);
        db.run(
          "INSERT INTO deployments (id, scope, state, body, request) VALUES (?, ?, ?, ?, ?)",
          deployment.id,
          scope,
          deployment.state,
          body,
          request,
        );
        db.run(
          `DELETE FROM journal WHERE event = 'output' AND deployment IN
             (SELECT id FROM deployments WHERE scope = ? ORDER BY position DESC LIMIT ? OFFSET ?)`,
          scope,
          pruneBatch,
          keepOutputOfDeployments,
        );
      }),
    get,
    update: (id, changes) =>
      db.transaction(() => {
        const present = get(id);
        if (!present) throw storeError("STORE_NOT_FOUND", `there is no deployment ${id}`);
        const changed = { ...present, ...changes };
        const { body, request } = columns(changed);
        db.run(
          "UPDATE deployments SET state = ?, body = ?, request = ? WHERE id = ?",
          changed.state,
          body,
          request,
          id,
        );
      }),
    list: (scope, limit) => select(db, scope, "true", `DESC LIMIT ${Math.trunc(limit)}`).map(read),
    unfinished: (scope) => select(db, scope, "state IN ('queued', 'running', 'returning')", "ASC").map(read),
  };
}

function select(db: SqliteDatabase, scope: Scope | "all", condition: string, order: string): Row[] {
  const sql = (where: string) =>
    `SELECT body, request FROM deployments WHERE ${where} AND ${condition} ORDER BY position ${order}`;
  return scope === "all" ? db.all(sql("true")) : db.all(sql("scope = ?"), scopeKey(scope));
}

function sealed(vault: Vault, context: string, value: unknown): Uint8Array {
  return vault.seal(context, Buffer.from(JSON.stringify(value)));
}

function unseal<T>(vault: Vault, context: string, column: Row[string] | undefined): T {
  if (!(column instanceof Uint8Array)) throw storeError("STORE_CORRUPT", `${context} has no content`);
  return JSON.parse(Buffer.from(vault.open(context, column)).toString()) as T;
}
