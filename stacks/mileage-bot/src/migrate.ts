import { migrate } from "./database/migrations.ts";
import { log } from "./log.ts";
import { runOnce } from "./run-once.ts";

await runOnce("migrate", async (_settings, database) => {
  log.info("schema is current", { applied: await migrate(database) });
});
