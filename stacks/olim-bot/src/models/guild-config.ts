/** What the bot knows of a guild; channels that are not set switch their feature off. */
export type GuildConfig = {
  guildId: string;
  guildName: string;
  welcomeChannelId: string | null;
  dailyChannelId: string | null;
  /** Text before a command's name. */
  commandPrefix: string;
};

/** A guild that wants a daily message, and where. */
export type DailyTarget = { guildId: string; guildName: string; channelId: string };
