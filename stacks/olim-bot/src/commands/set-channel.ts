import type { Database } from "../database/pool.ts";
import type { IncomingMessage } from "../models/incoming.ts";

const statementOf = { welcome: "setWelcomeChannel", daily: "setDailyChannel" } as const;

/** `<#123>` or `off`, by those who may manage the server. */
export async function setChannel(
  what: keyof typeof statementOf,
  { message, words }: { message: IncomingMessage; words: readonly string[] },
  database: Database,
): Promise<string> {
  if (!message.mayConfigure) return "That needs the permission to manage this server.";
  const channel = words[0] === "off" ? null : /^<#(\d{1,20})>$/.exec(words[0] ?? "")?.[1];
  if (channel === undefined) return `Write \`${what} #channel\` or \`${what} off\`.`;
  await database.run(statementOf[what], message.guildId, channel);
  return channel === null ? `${what} messages are off` : `${what} messages go to <#${channel}>`;
}
