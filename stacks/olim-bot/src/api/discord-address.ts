/** The API module talks to nothing: it only knows where and how Discord is reached. */

export const publicDiscordApi = "https://discord.com/api";

/** Base of the REST API: an override for tests and demos, else the public address. The gateway's address comes from REST. */
export function discordApi(override: string | undefined): string {
  if (override === undefined || override === "") return publicDiscordApi;
  const url = new URL(override);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error("DISCORD_API_URL must start with http:// or https://");
  return override.replace(/\/+$/, "");
}
