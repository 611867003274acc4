import { DiscordAPIError, HTTPError, Routes } from "discord.js";
import { currentSchemaVersion, wantedSchemaVersion } from "./database/migrations.ts";
import type { Database } from "./database/pool.ts";
import { discordRest } from "./discord/commands.ts";
import { reasonOf } from "./log.ts";
import type { Settings } from "./settings.ts";

/** What would keep this program from working, one line each; asked before anything is served. */
export async function checkStartUp(settings: Settings, database: Database): Promise<string[]> {
  const usesToken = settings.ROLES.includes("gateway") || settings.ROLES.includes("dailies");
  const checks = [checkDatabase(database), ...(usesToken ? [checkToken(settings)] : [])];
  return (await Promise.all(checks)).filter((problem) => problem !== undefined);
}

async function checkDatabase(database: Database): Promise<string | undefined> {
  try {
    await database.query("select 1");
  } catch (error) {
    return `database: ${describeConnection(error)}`;
  }
  const [current, wanted] = [await currentSchemaVersion(database), await wantedSchemaVersion()];
  // A newer schema is fine: migrations only add, and a rollback keeps what the newer release made.
  if (current >= wanted) return undefined;
  return `schema: the database has version ${current}, this program needs ${wanted}; run: npm run migrate`;
}

function describeConnection(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, string>> = {
    ENOTFOUND: "the host in DATABASE_URL does not resolve",
    EAI_AGAIN: "the host in DATABASE_URL does not resolve",
    ECONNREFUSED: "nothing listens at the address in DATABASE_URL",
    "28P01": "user or password in DATABASE_URL is wrong",
    "28000": "PostgreSQL refuses this user or connection",
    "3D000": "the database named in DATABASE_URL does not exist",
  };
  const text = known[code];
  if (text !== undefined) return text;
  if (error instanceof Error && /timeout/i.test(error.message)) return "no answer from PostgreSQL within 3 s";
  return reasonOf(error);
}

async function checkToken(settings: Settings): Promise<string | undefined> {
  const rest = discordRest(settings);
  try {
    await rest.get(Routes.user(), { signal: AbortSignal.timeout(5_000) });
    return undefined;
  } catch (error) {
    if (error instanceof DiscordAPIError && error.status === 401)
      return "discord: DISCORD_TOKEN is refused (401); copy it anew from the developer portal";
    if (error instanceof HTTPError || error instanceof DiscordAPIError)
      return `discord: ${settings.DISCORD_API} answered ${error.status}`;
    return `discord: no answer from ${settings.DISCORD_API}: ${reasonOf(error)}`;
  }
}
