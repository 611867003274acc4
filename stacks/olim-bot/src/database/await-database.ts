import type { Pool } from "pg";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { explainFailure } from "./explain-failure.ts";
import type { DatabaseSettings } from "./settings.ts";

export class DatabaseUnavailable extends Error {}

/** Before anything else: a database that is only late is waited for; wrong settings end the start at once, by name. */
export async function awaitDatabase(
  pool: Pool,
  settings: DatabaseSettings,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<void> {
  const deadline = clock.now().getTime() + settings.waitMs;
  for (;;) {
    try {
      await pool.query("SELECT 1");
      return;
    } catch (error) {
      const { kind, text } = explainFailure(error, settings);
      const late = clock.now().getTime() >= deadline || signal.aborted;
      if (late || kind === "auth" || kind === "tls")
        throw new DatabaseUnavailable(`database (${settings.scenario}): ${text}`, { cause: error });
      log("warn", "database not ready yet", { reason: text });
      await clock.sleep(1_000, signal);
    }
  }
}
