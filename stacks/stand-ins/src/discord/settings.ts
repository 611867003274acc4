import { type Environment, listFrom, numberFrom } from "../shared/settings.ts";

export type DiscordSettings = {
  tokens: string[];
  applicationId: string;
  clientId: string;
  clientSecret: string;
  redirectUris: string[];
  gatewayUrl: string;
  heartbeatIntervalMs: number;
  interactionDeadlineMs: number;
  guilds: { id: string; name: string }[];
};

export function discordSettings(env: Environment): DiscordSettings {
  const applicationId = env["APPLICATION_ID"] || "900000000000000001";
  return {
    tokens: listFrom(env, "DISCORD_TOKEN", "stand-in-token"),
    applicationId,
    clientId: env["CLIENT_ID"] || applicationId,
    clientSecret: env["CLIENT_SECRET"] || "stand-in-secret",
    redirectUris: listFrom(env, "REDIRECT_URIS"),
    gatewayUrl: env["PUBLIC_GATEWAY_URL"] ?? "",
    heartbeatIntervalMs: numberFrom(env, "HEARTBEAT_INTERVAL_MS", 41_250),
    interactionDeadlineMs: numberFrom(env, "INTERACTION_DEADLINE_MS", 3_000),
    guilds: listFrom(env, "GUILDS", "100000000000000001:Harbour").map(parseGuild),
  };
}

function parseGuild(text: string): { id: string; name: string } {
  const [id = "", ...name] = text.split(":");
  if (!/^\d{1,19}$/.test(id)) throw new Error(`GUILDS: "${text}" is not id:name`);
  return { id, name: name.join(":") || "Guild" };
}
