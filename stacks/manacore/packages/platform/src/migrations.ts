import type { Database } from "./database.js";

export type Migration = { name: string; sql: string };

const lockKey = 727_002;

/**
 * Applies what is missing, in order and in one transaction. Replicas that start together wait for each other at the
 * lock. Only additions: the version before runs against the new schema until it is retired.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<string[]> {
  return database.transaction(async (queries) => {
    await queries.query("migrate", "SELECT pg_advisory_xact_lock($1)", [lockKey]);
    await queries.query(
      "migrate",
      "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const rows = await queries.query<{ name: string }>("migrate", "SELECT name FROM migrations");
    const known = new Set(rows.map(({ name }) => name));
    const missing = migrations.filter(({ name }) => !known.has(name));
    for (const { name, sql } of missing) {
      await queries.query("migrate", sql);
      await queries.query("migrate", "INSERT INTO migrations (name) VALUES ($1)", [name]);
    }
    return missing.map(({ name }) => name);
  });
}
