import { existsSync } from "node:fs";
import { loadEnvFile } from "node:process";

/** A .env beside the bot is for trying it by hand: optional, and what is set already wins. */
export function loadEnvironment(): void {
  if (existsSync(".env")) loadEnvFile(".env");
}
