import pg from "pg";

/** Connections to PostgreSQL; an idle one that breaks (a restarted database) is replaced at the next query. */
export function connect(max = 5) {
  const pool = new pg.Pool({
    connectionString: process.env.DATABASE_URL,
    max,
    connectionTimeoutMillis: 3000,
    query_timeout: 5000,
  });
  pool.on("error", (error) => console.error(`database: ${error.message}`));
  return pool;
}
