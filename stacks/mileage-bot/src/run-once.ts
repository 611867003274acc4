import { type Database, openDatabase } from "./database/pool.ts";
import { reasonOf } from "./log.ts";
import { readSettings, type Settings } from "./settings.ts";

/** Frame of the one-off programs: settings, a database, one job, one line and exit code 1 when it fails. */
export async function runOnce(
  what: string,
  job: (settings: Settings, database: Database) => Promise<void>,
): Promise<void> {
  const outcome = readSettings(process.env);
  if (!outcome.ok) {
    for (const problem of outcome.problems) process.stderr.write(`${what} failed: ${problem}\n`);
    process.exitCode = 1;
    return;
  }
  const database = openDatabase(outcome.settings.DATABASE_URL);
  try {
    await job(outcome.settings, database);
  } catch (error) {
    process.stderr.write(`${what} failed: ${reasonOf(error)}\n`);
    process.exitCode = 1;
  } finally {
    await database.end();
  }
}
