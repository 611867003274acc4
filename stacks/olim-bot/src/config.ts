import { discordApi } from "./api/discord-address.ts";
import { type DatabaseSettings, readDatabaseSettings } from "./database/settings.ts";
import { heartbeatFile } from "./heartbeat-file.ts";
import { type Level, readLevel } from "./log.ts";

export type Config = {
  discordToken: string;
  discordApi: string;
  database: DatabaseSettings;
  level: Level;
  version: string;
  /** Absent: one session for every guild. */
  shard?: { id: number; count: number };
  /** Time of day in UTC at which the daily tasks are due. */
  dailyAt: { hour: number; minute: number };
  heartbeatFile: string;
  /** How often the gateway wants a heartbeat: Discord's number unless a test says otherwise. */
  gatewayHeartbeatMs: number;
};

export class ConfigError extends Error {}

/** Reads the environment; all problems at once, each with the variable's name and never with its value. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const token = attempt(() => required(env, "DISCORD_TOKEN"));
  const api = attempt(() => discordApi(env["DISCORD_API_URL"]));
  const database = attempt(() => readDatabaseSettings(env));
  const shard = attempt(() => readShard(env["SHARD_ID"], env["SHARD_COUNT"]));
  const dailyAt = attempt(() => readTime(env["DAILY_AT_UTC"] ?? "09:00"));
  if (problems.length > 0 || !token || !api || !database || !dailyAt)
    throw new ConfigError(`cannot start: ${problems.join("; ")}`);
  return {
    discordToken: token,
    discordApi: api,
    database,
    level: readLevel(env["RUST_LOG"]),
    version: env["APP_VERSION"] ?? "1",
    ...(shard ? { shard } : {}),
    dailyAt,
    heartbeatFile: heartbeatFile(env),
    gatewayHeartbeatMs: Number(env["GATEWAY_HEARTBEAT_MS"] || 41_250),
  };
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name]?.trim();
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

function readShard(id: string | undefined, count: string | undefined): Config["shard"] {
  if ((id ?? "") === "" && (count ?? "") === "") return undefined;
  const shard = { id: Number(id || Number.NaN), count: Number(count || Number.NaN) };
  if (!Number.isInteger(shard.count) || shard.count < 1 || !Number.isInteger(shard.id) || shard.id < 0)
    throw new Error("SHARD_ID and SHARD_COUNT must be whole numbers, and both be set");
  if (shard.id >= shard.count) throw new Error("SHARD_ID must be less than SHARD_COUNT");
  return shard;
}

function readTime(text: string): Config["dailyAt"] {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (!match) throw new Error("DAILY_AT_UTC must be a time such as 09:00");
  return { hour: Number(match[1]), minute: Number(match[2]) };
}
