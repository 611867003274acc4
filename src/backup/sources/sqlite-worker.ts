import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import type { ManifestPart } from "../../policy/backup-manifest.ts";
import type { CheckResult } from "../../policy/backup-verdict.ts";

/** Asked by sqlite.ts as one JSON document on standard input; a process of its own, because SQLite does not yield. */
export type SqliteRequest =
  | { action: "copy"; file: string; target: string }
  | { action: "inspect"; file: string; checks: readonly string[] };

export type SqliteAnswer = {
  engine: string;
  schema: string;
  parts: readonly ManifestPart[];
  checks: readonly CheckResult[];
};

/** A writer holds its lock for moments only. */
const busyMs = 30_000;

function answer(request: SqliteRequest): SqliteAnswer {
  if (request.action === "copy") copy(request.file, request.target);
  const file = request.action === "copy" ? request.target : request.file;
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyMs });
  try {
    return {
      engine: `sqlite ${String(one(database, "SELECT sqlite_version() AS value"))}`,
      ...contentsOf(database),
      checks: request.action === "copy" ? [] : request.checks.map((check) => ask(database, check)),
    };
  } finally {
    database.close();
  }
}

/** Reads within one transaction: what is committed meanwhile is not in it, and writers in WAL mode are not held up. */
function copy(file: string, target: string): void {
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyMs });
  try {
    database.prepare("VACUUM INTO ?").run(target);
  } finally {
    database.close();
  }
}

function contentsOf(database: DatabaseSync): Pick<SqliteAnswer, "schema" | "parts"> {
  const sound = one(database, "SELECT integrity_check AS value FROM pragma_integrity_check LIMIT 1");
  if (sound !== "ok") throw new Error(`the database is damaged: ${String(sound)}`);
  const objects = database
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
    .all();
  const tables = objects.filter(({ type }) => type === "table").map(({ name }) => String(name));
  const schema = createHash("sha256").update(JSON.stringify(objects)).digest("hex");
  const parts = tables.map((name) => ({
    name,
    rows: Number(one(database, `SELECT count(*) AS value FROM "${name.replaceAll('"', '""')}"`)),
  }));
  return { schema, parts };
}

function ask(database: DatabaseSync, check: string): CheckResult {
  try {
    const row = database.prepare(check).get();
    const value = row === undefined ? undefined : Object.values(row)[0];
    const ok = value !== undefined && value !== null && value !== 0 && value !== "" && value !== "0";
    return { check, ok, detail: `answered ${String(value ?? "nothing")}` };
  } catch (error) {
    return { check, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

function one(database: DatabaseSync, sql: string): unknown {
  return database.prepare(sql).get()?.["value"];
}

if (import.meta.main) {
  try {
    const request = JSON.parse(await text(process.stdin)) as SqliteRequest;
    process.stdout.write(JSON.stringify(answer(request)));
  } catch (error) {
    process.stderr.write(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
