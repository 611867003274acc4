import { discordRest, registerCommands } from "./discord/commands.ts";
import { log } from "./log.ts";
import { runOnce } from "./run-once.ts";

await runOnce("register-commands", async (settings) => {
  log.info("commands", { outcome: await registerCommands(discordRest(settings)) });
});
