/** What the gateway tells, reduced to what the modules need, so that they can be tried without a gateway. */
export type IncomingMessage = {
  messageId: string;
  guildId: string;
  channelId: string;
  authorId: string;
  authorName: string;
  content: string;
  /** May change the bot's settings in this guild. */
  mayConfigure: boolean;
};

export type IncomingGuild = { guildId: string; guildName: string };

export type IncomingMember = { guildId: string; userId: string };
