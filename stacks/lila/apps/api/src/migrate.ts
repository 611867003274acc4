import { join } from "node:path";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { readSettings } from "./settings.ts";

const folder = join(import.meta.dirname, "..", "drizzle");
/** Any number that nobody else uses: the name of the lock that lets one starter migrate at a time. */
const lockKey = 7_117_001;

/** Applies what is pending; of several starters at once the others wait, and then find nothing to do. */
export async function migrateDatabase(url: string): Promise<{ applied: number }> {
  // A connection of its own: an advisory lock belongs to the session, and a pool hands out several.
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: "lila-migrate",
  });
  await client.connect();
  try {
    await client.query("set lock_timeout = '60s'");
    await client.query("select pg_advisory_lock($1)", [lockKey]);
    const before = await countApplied(client);
    await migrate(drizzle(client), { migrationsFolder: folder });
    return { applied: (await countApplied(client)) - before };
  } finally {
    // Ending the session frees the lock too.
    await client.end();
  }
}

async function countApplied(client: pg.Client): Promise<number> {
  const exists = await client.query("select to_regclass('drizzle.__drizzle_migrations') as name");
  if (exists.rows[0]?.name === null) return 0;
  const { rows } = await client.query("select count(*)::int as count from drizzle.__drizzle_migrations");
  return rows[0].count;
}

if (import.meta.main) {
  const { applied } = await migrateDatabase(readSettings(process.env).DATABASE_URL);
  console.log(`migrate: ${applied} applied`);
}
