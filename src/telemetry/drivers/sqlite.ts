import { chmodSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { messageOf, PlatformError } from "../../lib/platform-error.ts";
import type { Chunk, ChunkStorage, CounterTotals, Level, StoredSeries } from "../chunk-storage.ts";
import { telemetryError } from "../errors.ts";
import { isMetricName, type MetricName } from "../metrics.ts";
import type { Labels, Telemetry } from "../port.ts";
import { labelsKey, SeriesRecorder } from "../series-recorder.ts";

const schemaVersion = 1;
const schema = `
  CREATE TABLE series (
    id INTEGER PRIMARY KEY, metric TEXT NOT NULL, labels TEXT NOT NULL, seen_at INTEGER NOT NULL,
    UNIQUE (metric, labels)
  );
  CREATE INDEX series_seen ON series (seen_at);
  CREATE TABLE chunk (
    level INTEGER NOT NULL, series INTEGER NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (level, series, at)
  ) WITHOUT ROWID;
  CREATE INDEX chunk_age ON chunk (level, at);
  CREATE TABLE journal (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE TABLE mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`;

/**
 * Telemetry in one SQLite file of its own, so that the control plane's store stays small and its writes quick. WAL
 * with `synchronous=NORMAL`: a power loss may cost the last minutes, never the file.
 */
export function openSqliteTelemetry(path: string, options: { maxBytes?: number } = {}): Telemetry {
  return new SeriesRecorder("sqlite", new SqliteChunks(path), options);
}

class SqliteChunks implements ChunkStorage {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.#db = guard(() => new DatabaseSync(path, { timeout: 2000 }));
    try {
      guard(() => this.#prepare(path));
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  #prepare(path: string): void {
    if (path !== ":memory:") chmodSync(path, 0o600);
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2048");
    this.#db.exec("PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 16777216");
    const version = Number(this.#one("PRAGMA user_version")?.["user_version"] ?? 0);
    if (version > schemaVersion)
      throw telemetryError("TELEMETRY_NEWER_SCHEMA", `${path} has the schema ${version}`);
    if (version === 0) this.#transaction(() => this.#db.exec(schema));
  }

  idsOf(series: readonly { metric: MetricName; labels: Labels }[], at: number): number[] {
    return this.#transaction(() =>
      series.map(({ metric, labels }) => {
        const key = labelsKey(labels);
        const known = this.#one("SELECT id FROM series WHERE metric = ? AND labels = ?", metric, key);
        if (known) return Number(known["id"]);
        const sql = "INSERT INTO series (metric, labels, seen_at) VALUES (?, ?, ?)";
        return Number(this.#statement(sql).run(metric, key, at).lastInsertRowid);
      }),
    );
  }

  seriesById(id: number): { metric: MetricName; labels: Labels } | undefined {
    const row = this.#one("SELECT metric, labels FROM series WHERE id = ?", id);
    const metric = String(row?.["metric"]);
    return row && isMetricName(metric) ? { metric, labels: JSON.parse(String(row["labels"])) } : undefined;
  }

  find(metric: MetricName, from: number): StoredSeries[] {
    return guard(() =>
      this.#statement("SELECT id, labels FROM series WHERE metric = ? AND seen_at >= ?")
        .all(metric, from)
        .map((row) => ({ id: Number(row["id"]), labels: JSON.parse(String(row["labels"])) })),
    );
  }

  appendJournal(bytes: Uint8Array, minute: number, totals: CounterTotals): void {
    this.#transaction(() => {
      this.#run("INSERT INTO journal (minute, bytes) VALUES (?, ?)", minute, bytes);
      this.#run("INSERT OR REPLACE INTO mark (name, value) VALUES ('totals', ?)", JSON.stringify(totals));
    });
  }

  readJournal(): { rows: { minute: number; bytes: Uint8Array }[]; totals: CounterTotals } {
    return guard(() => {
      const totals = this.#one("SELECT value FROM mark WHERE name = 'totals'");
      const rows = this.#statement("SELECT minute, bytes FROM journal ORDER BY id").all();
      return {
        rows: rows.map((row) => ({ minute: Number(row["minute"]), bytes: bytesOf(row["bytes"]) })),
        totals: totals ? JSON.parse(String(totals["value"])) : [],
      };
    });
  }

  seal(chunks: readonly Chunk[], seenAt: number): void {
    this.#transaction(() => {
      this.put(chunks);
      for (const id of new Set(chunks.map(({ series }) => series)))
        this.#run("UPDATE series SET seen_at = ? WHERE id = ?", seenAt, id);
      this.#run("DELETE FROM journal");
    });
  }

  put(chunks: readonly Chunk[]): void {
    this.#transaction(() => {
      for (const { level, series, at, bytes } of chunks)
        this.#run(
          "INSERT OR REPLACE INTO chunk (level, series, at, bytes) VALUES (?, ?, ?, ?)",
          ...[level, series, at, bytes],
        );
    });
  }

  *read(level: Level, series: readonly number[], { from, to }: { from: number; to: number }) {
    const sql = "SELECT at, bytes FROM chunk WHERE level = ? AND series = ? AND at >= ? AND at < ?";
    for (const id of series) {
      const rows = guard(() => this.#statement(sql).all(level, id, from, to));
      for (const row of rows)
        yield { level, series: id, at: Number(row["at"]), bytes: bytesOf(row["bytes"]) };
    }
  }

  seenSince(from: number, { after, limit }: { after: number; limit: number }): number[] {
    const sql = "SELECT id FROM series WHERE id > ? AND seen_at >= ? ORDER BY id LIMIT ?";
    return guard(() =>
      this.#statement(sql)
        .all(after, from, limit)
        .map((row) => Number(row["id"])),
    );
  }

  removeChunks(level: Level, before: number, limit: number): number {
    const sql = `DELETE FROM chunk WHERE (level, series, at) IN
      (SELECT level, series, at FROM chunk WHERE level = ? AND at < ? LIMIT ?)`;
    return this.#run(sql, level, before, limit);
  }

  removeSeries(seenBefore: number, limit: number): number {
    const sql =
      "DELETE FROM series WHERE id IN (SELECT id FROM series WHERE seen_at < ? ORDER BY seen_at LIMIT ?)";
    return this.#run(sql, seenBefore, limit);
  }

  oldest(level: Level): number | undefined {
    const at = this.#one("SELECT min(at) AS at FROM chunk WHERE level = ?", level)?.["at"];
    return at === null || at === undefined ? undefined : Number(at);
  }

  usedBytes(): number {
    const pages = (name: string) => Number(this.#one(`PRAGMA ${name}`)?.[name] ?? 0);
    return (pages("page_count") - pages("freelist_count")) * pages("page_size");
  }

  mark(name: "folded", value?: number): number | undefined {
    if (value !== undefined)
      this.#run("INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)", name, `${value}`);
    const row = this.#one("SELECT value FROM mark WHERE name = ?", name);
    return row ? Number(row["value"]) : undefined;
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#statements.clear();
    this.#db.close();
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return guard(() => Number(this.#statement(sql).run(...values).changes));
  }

  #one(sql: string, ...values: SQLInputValue[]) {
    return guard(() => this.#statement(sql).get(...values));
  }

  #transaction<T>(work: () => T): T {
    if (this.#db.isTransaction) return work();
    return guard(() => {
      this.#db.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#db.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    throw telemetryError("TELEMETRY_UNAVAILABLE", `the telemetry file failed: ${messageOf(cause)}`, cause);
  }
}
