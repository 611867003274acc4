import pg from "pg";
import { log } from "../log.ts";

export type Database = pg.Pool;

/** Every wait has a limit: a database that hangs must not hang the bot. */
export function openDatabase(connectionString: string, { max = 10, limitMs = 3_000 } = {}): Database {
  const pool = new pg.Pool({
    connectionString,
    application_name: "mileage-bot",
    max,
    connectionTimeoutMillis: limitMs,
    query_timeout: limitMs,
    statement_timeout: limitMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  // An idle connection that breaks is replaced at the next query; without a listener it would end the program.
  pool.on("error", (error) => log.warn("idle database connection lost", { reason: error.message }));
  return pool;
}

// bigint and date as text: ids stay exact, and a day has no time zone.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => text);
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString());
