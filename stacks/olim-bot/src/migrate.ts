import { systemClock } from "./clock.ts";
import { awaitDatabase } from "./database/await-database.ts";
import { migrate } from "./database/migrate.ts";
import { createPool } from "./database/pool.ts";
import { readDatabaseSettings } from "./database/settings.ts";
import { loadEnvironment } from "./environment.ts";
import { createLog, readLevel } from "./log.ts";

/** The release job: brings the schema up to date and ends. */
loadEnvironment();
const log = createLog(readLevel(process.env["RUST_LOG"]));
try {
  const settings = readDatabaseSettings(process.env);
  const pool = createPool(settings);
  const signal = AbortSignal.timeout(settings.waitMs);
  await awaitDatabase(pool, settings, { clock: systemClock, log, signal });
  await migrate(pool, log);
  await pool.end();
  log("info", "schema is up to date");
} catch (error) {
  log("error", error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
