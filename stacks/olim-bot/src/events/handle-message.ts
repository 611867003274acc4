import type { Outbox } from "../api/outbox.ts";
import { process as processCommand } from "../commands/process.ts";
import { getGuildConfig } from "../database/guild-store.ts";
import type { Database } from "../database/pool.ts";
import type { Log } from "../log.ts";
import type { IncomingMessage } from "../models/incoming.ts";

export type MessageContext = { database: Database; outbox: Outbox; log: Log; version: string };

/** The steps of one message, in the order of the README's sequence diagram. */
export const messageSteps = [
  "get guild config",
  "check if command",
  "store message info",
  "update user data",
  "process command",
] as const;

/**
 * One message: what it is, a note of it, the count of its author, and an answer if it was a command. A message that
 * the gateway delivers again (after a resume) is recognised by its note and changes nothing.
 */
export async function handleMessage(message: IncomingMessage, context: MessageContext): Promise<void> {
  const { database, log } = context;
  const step = (name: (typeof messageSteps)[number]) =>
    log("debug", "step", { step: name, messageId: message.messageId });
  step("get guild config");
  const config = await getGuildConfig(database, message.guildId);
  step("check if command");
  const prefix = config?.commandPrefix ?? "!";
  const isCommand = message.content.startsWith(prefix) && message.content.length > prefix.length;
  step("store message info");
  const { messageId, guildId, channelId, authorId, content } = message;
  const length = content.length;
  const stored = await database.run(
    "storeMessageInfo",
    messageId,
    guildId,
    channelId,
    authorId,
    length,
    isCommand,
  );
  if (stored.length === 0) return;
  step("update user data");
  await database.run("countUserMessage", guildId, authorId, message.authorName);
  if (!isCommand) return;
  step("process command");
  await processCommand(message, config, context);
}
