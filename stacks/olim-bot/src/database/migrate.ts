import type { Pool, PoolClient } from "pg";
import type { Log } from "../log.ts";
import { migrations } from "./migrations.ts";

/** Any number, the same in every release: it stands for "the bot's migrations" among the server's advisory locks. */
const lockKey = 7_220_041;

/** Applies what is missing, each migration in a transaction of its own; two at once wait for each other. */
export async function migrate(pool: Pool, log: Log): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [lockKey]);
    try {
      await applyMissing(client, log);
    } finally {
      await client.query("SELECT pg_advisory_unlock($1)", [lockKey]);
    }
  } finally {
    client.release();
  }
}

async function applyMissing(client: PoolClient, log: Log): Promise<void> {
  await client.query(`CREATE TABLE IF NOT EXISTS schema_migration (
    version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  const { rows } = await client.query<{ version: number }>("SELECT version FROM schema_migration");
  const applied = new Set(rows.map(({ version }) => version));
  for (const { version, name, sql } of migrations.filter((one) => !applied.has(one.version))) {
    await client.query("BEGIN");
    try {
      await client.query(sql);
      await client.query("INSERT INTO schema_migration (version, name) VALUES ($1, $2)", [version, name]);
      await client.query("COMMIT");
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    }
    log("info", "migration applied", { version, name });
  }
}
