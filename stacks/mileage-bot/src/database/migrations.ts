import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "./pool.ts";

const folder = join(import.meta.dirname, "..", "..", "migrations");
const lockNumber = 8_787_001;

type Migration = { version: number; name: string };

async function listMigrations(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{3}-.+\.sql$/.test(name)).sort();
  return names.map((name) => ({ version: Number(name.slice(0, 3)), name }));
}

/** The schema version that this program was written for. */
export async function wantedSchemaVersion(): Promise<number> {
  return (await listMigrations()).at(-1)?.version ?? 0;
}

/** 0 for a database that has never been migrated. */
export async function currentSchemaVersion(database: Database): Promise<number> {
  const known = await database.query<{ known: boolean }>(
    "select to_regclass('schema_migrations') is not null as known",
  );
  if (!known.rows[0]?.known) return 0;
  const { rows } = await database.query<{ version: number | null }>(
    "select max(version)::int as version from schema_migrations",
  );
  return rows[0]?.version ?? 0;
}

/** Applies what is missing, each file in one transaction; two at once wait for each other. */
export async function migrate(database: Database): Promise<readonly string[]> {
  const client = await database.connect();
  const applied: string[] = [];
  try {
    await client.query("select pg_advisory_lock($1)", [lockNumber]);
    await client.query(
      `create table if not exists schema_migrations
         (version integer primary key, name text not null, applied_at timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ version: number }>("select version from schema_migrations");
    const done = new Set(rows.map((row) => row.version));
    for (const { version, name } of await listMigrations()) {
      if (done.has(version)) continue;
      const sql = await readFile(join(folder, name), "utf8");
      await client.query("begin");
      await client.query(sql);
      await client.query("insert into schema_migrations (version, name) values ($1, $2)", [version, name]);
      await client.query("commit");
      applied.push(name);
    }
    await client.query("select pg_advisory_unlock($1)", [lockNumber]);
    client.release();
    return applied;
  } catch (error) {
    // Closing the connection rolls back and gives up the lock.
    client.release(true);
    throw error;
  }
}
