import { chmodSync, closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { messageOf, PlatformError } from "../../lib/platform-error.ts";
import { type StoreErrorCode, storeError } from "../errors.ts";
import { migrations } from "./sqlite-migrations.ts";

export type Row = Record<string, SQLOutputValue>;

/** Larger files are not read through at every start; damage in them shows when the page is used. */
const checkedBytes = 256 * 1024 * 1024;

/**
 * One SQLite file with what all parts of the store share: transactions, statement cache, error codes, migrations.
 *
 * Durability: WAL with `synchronous=FULL` makes a commit survive a power loss. `relaxed` writes (output lines, leases,
 * last use of a token) survive a killed process but may lose their last moments in a power loss; no fsync for each.
 */
export class SqliteDatabase {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  #afterCommit: (() => void)[] = [];

  constructor(path: string, options: { busyTimeoutMs: number }) {
    this.path = path;
    this.#db = this.#guard(() => {
      const size = prepareFile(path);
      const db = new DatabaseSync(path, { timeout: options.busyTimeoutMs });
      try {
        db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
        db.exec(
          "PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -4096",
        );
        if (size > 0 && size <= checkedBytes) quickCheck(db, path);
      } catch (error) {
        db.close();
        throw error;
      }
      return db;
    });
    try {
      this.#migrate();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#guard(() => Number(this.#statement(sql).run(...values).changes));
  }

  one(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#statement(sql).get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guard(() => this.#statement(sql).all(...values));
  }

  /** Row by row, for reads of unbounded size. */
  *each(sql: string, ...values: SQLInputValue[]): Generator<Row, void, undefined> {
    const rows = this.#guard(() => this.#db.prepare(sql).iterate(...values));
    for (;;) {
      const next = this.#guard(() => rows.next());
      if (next.done) return;
      yield next.value;
    }
  }

  /** All or nothing; nested calls are savepoints of the outer one. */
  transaction<T>(work: () => T): T {
    const level = this.#depth;
    const heard = this.#afterCommit.length;
    this.#exec(level === 0 ? "BEGIN IMMEDIATE" : `SAVEPOINT level${level}`);
    this.#depth += 1;
    let result: T;
    try {
      result = work();
      if (result instanceof Promise) throw new TypeError("a transaction must not await");
      this.#depth -= 1;
      this.#exec(level === 0 ? "COMMIT" : `RELEASE level${level}`);
    } catch (error) {
      this.#depth = level;
      this.#afterCommit.length = heard;
      // SQLite itself has rolled back already after some errors, e.g. a full disk.
      if (this.#db.isTransaction)
        this.#exec(level === 0 ? "ROLLBACK" : `ROLLBACK TO level${level}; RELEASE level${level}`);
      throw error;
    }
    if (level === 0) for (const listener of this.#afterCommit.splice(0)) listener();
    return result;
  }

  /** A write that need not survive a power loss; see above. Inside a transaction it is as durable as that. */
  relaxed<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#exec("PRAGMA synchronous = NORMAL");
    try {
      return this.transaction(work);
    } finally {
      this.#exec("PRAGMA synchronous = FULL");
    }
  }

  /** Runs once the outermost transaction holds; never if it does not. */
  afterCommit(listener: () => void): void {
    if (this.#depth > 0) this.#afterCommit.push(listener);
    else listener();
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#statements.clear();
    this.#db.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #exec(sql: string): void {
    this.#guard(() => this.#db.exec(sql));
  }

  #migrate(): void {
    this.#exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY) STRICT");
    if (this.#version() === migrations.length) return;
    this.transaction(() => {
      const version = this.#version();
      if (version > migrations.length)
        throw storeError(
          "STORE_NEWER_SCHEMA",
          `${this.path} has schema ${version}; this Roadstead knows ${migrations.length}`,
        );
      for (const [index, sql] of migrations.entries()) {
        if (index < version) continue;
        this.#exec(sql);
        this.run("INSERT INTO schema_version (version) VALUES (?)", index + 1);
      }
    });
  }

  #version(): number {
    return Number(this.one("SELECT coalesce(max(version), 0) AS version FROM schema_version")?.["version"]);
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw translated(error, this.path);
    }
  }
}

/** The file with mode 0600 before SQLite opens it: the WAL files take the mode over. Returns its size. */
function prepareFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
  const { mode, size } = statSync(path);
  if ((mode & 0o077) !== 0) chmodSync(path, 0o600);
  return size;
}

function quickCheck(db: DatabaseSync, path: string): void {
  const found = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (found !== "ok")
    throw storeError("STORE_CORRUPT", `the database ${path} is damaged`, new Error(String(found)));
}

/** Primary result codes of https://www.sqlite.org/rescode.html. */
const codeOf: Record<number, StoreErrorCode> = {
  5: "STORE_LOCKED",
  6: "STORE_LOCKED",
  11: "STORE_CORRUPT",
  19: "STORE_CONFLICT",
  26: "STORE_CORRUPT",
};

const wording: Partial<Record<StoreErrorCode, string>> = {
  STORE_LOCKED: "is locked",
  STORE_CORRUPT: "is damaged",
  STORE_CONFLICT: "refuses the change",
};

function translated(error: unknown, path: string): unknown {
  if (error instanceof PlatformError) return error;
  const resultCode = error instanceof Error && "errcode" in error ? Number(error.errcode) : undefined;
  const isFile = error instanceof Error && "syscall" in error;
  if (resultCode === undefined && !isFile) return error;
  const code = codeOf[(resultCode ?? 0) & 0xff] ?? "STORE_UNAVAILABLE";
  const detail = code === "STORE_UNAVAILABLE" ? `can't be used: ${messageOf(error)}` : wording[code];
  return storeError(code, `the database ${path} ${detail}`, error);
}
