import pg from "pg";
import { log } from "../log.ts";

export type Database = pg.Pool;

/** Every wait has a limit: a database that hangs must not hang the bot. */
export function openDatabase(connectionString: string): Database {
  const pool = new pg.Pool({
    connectionString,
    application_name: "mileage-bot",
    max: 10,
    connectionTimeoutMillis: 2_000,
    query_timeout: 3_000,
    statement_timeout: 3_000,
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
