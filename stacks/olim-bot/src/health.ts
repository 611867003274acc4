import { existsSync, readFileSync } from "node:fs";
import { judge } from "./heartbeat.ts";
import { heartbeatFile } from "./heartbeat-file.ts";

/** The health check: no port to ask, so it reads what the bot left. */
const file = heartbeatFile(process.env);
const problem = judge(existsSync(file) ? readFileSync(file, "utf8") : undefined, Date.now());
if (problem) {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
