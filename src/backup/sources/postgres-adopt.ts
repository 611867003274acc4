import { bytesOf, type DatabasePlace, feed, settingOf } from "./database-place.ts";
import { psqlArgv } from "./psql-session.ts";

/** A copy brings the passwords of where it was taken; who is to use it here has those of this environment. */
export async function adoptPostgres(place: DatabasePlace, signal: AbortSignal): Promise<void> {
  const password = await settingOf(place, ["POSTGRES_PASSWORD"], signal);
  if (password === undefined) return;
  const user = (await settingOf(place, ["POSTGRES_USER"], signal)) ?? "postgres";
  const literal = `'${password.replaceAll("'", "''")}'`;
  const name = `"${user.replaceAll('"', '""')}"`;
  const sql = `SET standard_conforming_strings = on; SET log_statement = 'none'; ALTER ROLE ${name} PASSWORD ${literal};\n`;
  await runPostgres(place, sql, signal);
}

/** Statements in the database of the service; the first that fails ends them. */
export async function runPostgres(
  place: DatabasePlace,
  statements: string,
  signal: AbortSignal,
): Promise<void> {
  const user = (await settingOf(place, ["POSTGRES_USER"], signal)) ?? "postgres";
  const password = await settingOf(place, ["POSTGRES_PASSWORD"], signal);
  const env = password === undefined ? {} : { PGPASSWORD: password };
  const database = (await settingOf(place, ["POSTGRES_DB"], signal)) ?? user;
  await feed(place, psqlArgv(database, { user, env }), { env, stdin: bytesOf(statements) }, signal);
}
