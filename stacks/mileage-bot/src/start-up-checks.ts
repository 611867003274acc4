import { DiscordAPIError, HTTPError, Routes } from "discord.js";
import { currentSchemaVersion, wantedSchemaVersion } from "./database/migrations.ts";
import { type Database, openDatabase } from "./database/pool.ts";
import { discordRest } from "./discord/commands.ts";
import { reasonOf } from "./log.ts";
import type { Settings } from "./settings.ts";

const databaseLimitMs = 5_000;

/** What would keep this program from working, one line each; asked before anything is served. */
export async function checkStartUp(settings: Settings): Promise<string[]> {
  const usesToken = settings.ROLES.includes("gateway") || settings.ROLES.includes("dailies");
  const checks = [checkDatabase(settings), ...(usesToken ? [checkToken(settings)] : [])];
  return (await Promise.all(checks)).filter((problem) => problem !== undefined);
}

async function checkDatabase({ DATABASE_URL }: Settings): Promise<string | undefined> {
  // More patient than in operation: a busy machine is no fault, and nobody waits for an answer yet.
  const database = openDatabase(DATABASE_URL, { max: 1, limitMs: databaseLimitMs });
  try {
    return await checkSchema(database);
  } catch (error) {
    return `database: ${describeConnection(error)}`;
  } finally {
    void database.end();
  }
}

async function checkSchema(database: Database): Promise<string | undefined> {
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
  if (error instanceof Error && /timeout/i.test(error.message))
    return `no answer from PostgreSQL within ${databaseLimitMs / 1000} s`;
  return reasonOf(error);
}

async function checkToken(settings: Settings): Promise<string | undefined> {
  const rest = discordRest(settings);
  try {
    await rest.get(Routes.user(), { signal: AbortSignal.timeout(4_000) });
    return undefined;
  } catch (error) {
    if (error instanceof DiscordAPIError && error.status === 401)
      return "discord: DISCORD_TOKEN is refused (401); copy it anew from the developer portal";
    if (error instanceof HTTPError || error instanceof DiscordAPIError)
      return `discord: ${settings.DISCORD_API} answered ${error.status}`;
    return `discord: no answer from ${settings.DISCORD_API}: ${reasonOf(error)}`;
  }
}
