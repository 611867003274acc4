import { migrate } from "./database/migrations.ts";
import type { Database } from "./database/pool.ts";
import { discordRest, registerCommands } from "./discord/commands.ts";
import { log } from "./log.ts";
import type { Settings } from "./settings.ts";

/** What a release needs once, before it serves: the schema, and the commands at Discord. Repeating it changes nothing. */
export async function prepare(settings: Settings, database: Database): Promise<void> {
  const applied = await migrate(database);
  log.info("schema is current", { applied });
  log.info("commands", { outcome: await registerCommands(discordRest(settings)) });
}
