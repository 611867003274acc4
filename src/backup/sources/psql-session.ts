import type { DatabasePlace } from "./database-place.ts";
import { SqlSession } from "./sql-session.ts";

export type PostgresLogin = { user: string; env: Readonly<Record<string, string>> };

/** Without a user's own start file, without a pager, stopping at the first error. */
export function psqlArgv(database: string, login: PostgresLogin): string[] {
  const address = ["-U", login.user, "-d", connectionName(database)];
  return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", ...address];
}

/** A name with `=` or `://` would be taken for a connection string. */
export function connectionName(database: string): string {
  const escaped = database.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
  return /[=:\\' ]/.test(database) ? `dbname='${escaped}'` : database;
}

/** A session with one database, through psql. */
export async function openPsql(
  place: DatabasePlace,
  { database, login }: { database: string; login: PostgresLogin },
  signal: AbortSignal,
): Promise<SqlSession> {
  const printing = (text: string) => `\\echo ${text}`;
  const tool = { argv: psqlArgv(database, login), env: login.env, printing };
  return await SqlSession.open(place, tool, steadyOutput, signal);
}

/**
 * The same texts whatever the database's or the role's own settings are, and no time limits: a count may take hours.
 * Tables with row security must not look empty.
 */
const steadyOutput = `SELECT to_json(set_config(name, '0', false)) FROM pg_settings WHERE name IN ('statement_timeout',
  'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout');
  SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';
  SET extra_float_digits = 1; SET bytea_output = 'hex'; SET search_path = ''; SET row_security = off`;
