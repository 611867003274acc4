import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import * as schema from "./schema.ts";

export type Database = ReturnType<typeof connect>["db"];

/** A pool that survives the loss of idle connections, as when the database restarts. */
export function connect(url: string, size: number) {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    // A busy machine takes its time to fork a backend; a late answer is better than a 500.
    connectionTimeoutMillis: 15_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 15_000,
    application_name: "lila-api",
  });
  pool.on("error", (error) => console.error(`database: lost an idle connection: ${error.message}`));
  return { pool, db: drizzle(pool, { schema }) };
}
