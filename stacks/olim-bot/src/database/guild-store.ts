import type { GuildConfig } from "../models/guild-config.ts";
import type { IncomingGuild } from "../models/incoming.ts";
import type { Database } from "./pool.ts";

export async function saveGuild(database: Database, guild: IncomingGuild): Promise<void> {
  await database.run("saveGuild", guild.guildId, guild.guildName);
}

export async function getGuildConfig(database: Database, guildId: string): Promise<GuildConfig | undefined> {
  const [row] = await database.run("guildConfig", guildId);
  if (!row) return undefined;
  return {
    guildId: row.guild_id,
    guildName: row.guild_name,
    welcomeChannelId: row.welcome_channel_id,
    dailyChannelId: row.daily_channel_id,
    commandPrefix: row.command_prefix,
  };
}
