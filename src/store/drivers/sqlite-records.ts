import { defaultRecordLimit } from "../defaults.ts";
import type { RecordQuery, RecordStore } from "../port.ts";
import type { SqliteDatabase } from "./sqlite-database.ts";

export function recordStore(db: SqliteDatabase): RecordStore {
  return {
    get: <T>(collection: string, key: string) => {
      const row = db.one("SELECT body FROM records WHERE collection = ? AND key = ?", collection, key);
      return row && (JSON.parse(String(row["body"])) as T);
    },
    put: (collection, key, value) =>
      void db.transaction(() =>
        db.run(
          `INSERT INTO records (collection, key, body) VALUES (?, ?, ?)
           ON CONFLICT (collection, key) DO UPDATE SET body = excluded.body`,
          collection,
          key,
          JSON.stringify(value),
        ),
      ),
    remove: (collection, key) =>
      void db.transaction(() =>
        db.run("DELETE FROM records WHERE collection = ? AND key = ?", collection, key),
      ),
    list: <T>(collection: string, query: RecordQuery = {}) =>
      db.all(listSql(query), ...listValues(collection, query)).map((row) => ({
        key: String(row["key"]),
        value: JSON.parse(String(row["body"])) as T,
      })),
  };
}

function listSql({ prefix, after, newestFirst }: RecordQuery): string {
  return [
    "SELECT key, body FROM records WHERE collection = ?",
    ...(prefix ? ["AND substr(key, 1, length(?)) = ? AND key >= ?"] : []),
    ...(after === undefined ? [] : [newestFirst ? "AND key < ?" : "AND key > ?"]),
    `ORDER BY key ${newestFirst ? "DESC" : "ASC"} LIMIT ?`,
  ].join(" ");
}

function listValues(collection: string, { prefix, after, limit }: RecordQuery): (string | number)[] {
  return [
    collection,
    ...(prefix ? [prefix, prefix, prefix] : []),
    ...(after === undefined ? [] : [after]),
    limit ?? defaultRecordLimit,
  ];
}
