import type { Outbox } from "../api/outbox.ts";
import type { Database } from "../database/pool.ts";
import type { Log } from "../log.ts";
import type { GuildConfig } from "../models/guild-config.ts";
import type { IncomingMessage } from "../models/incoming.ts";
import { setChannel } from "./set-channel.ts";

export type CommandContext = { database: Database; outbox: Outbox; log: Log; version: string };
type Call = { message: IncomingMessage; config: GuildConfig | undefined; words: readonly string[] };
type Command = { help: string; run(call: Call, context: CommandContext): Promise<string> | string };

const commands: Record<string, Command> = {
  ping: { help: "is the bot there?", run: (_call, { version }) => `pong (version ${version})` },
  stats: { help: "how many messages you have written", run: stats },
  config: { help: "this server's settings", run: ({ config }) => describeConfig(config) },
  welcome: {
    help: "#channel or off: where new members are greeted",
    run: (call, context) => setChannel("welcome", call, context.database),
  },
  daily: {
    help: "#channel or off: where the daily message goes",
    run: (call, context) => setChannel("daily", call, context.database),
  },
  help: { help: "this list", run: () => list() },
};

/** Answers a message that begins with the guild's prefix, in its channel; unknown words get no answer. */
export async function process(
  message: IncomingMessage,
  config: GuildConfig | undefined,
  context: CommandContext,
): Promise<void> {
  const [name = "", ...words] = message.content
    .slice(config?.commandPrefix.length ?? 1)
    .trim()
    .split(/\s+/);
  const command = Object.hasOwn(commands, name.toLowerCase()) ? commands[name.toLowerCase()] : undefined;
  if (!command) return;
  const answer = await command.run({ message, config, words }, context);
  await context.outbox.send(message.channelId, answer, `answer-${message.messageId}`.slice(0, 25));
}

async function stats({ message }: Call, { database }: CommandContext): Promise<string> {
  const [row] = await database.run("userMessageCount", message.guildId, message.authorId);
  return `${message.authorName}: ${row?.message_count ?? 0} messages`;
}

function describeConfig(config: GuildConfig | undefined): string {
  const channel = (id: string | null | undefined) => (id ? `<#${id}>` : "off");
  return `welcome: ${channel(config?.welcomeChannelId)}, daily: ${channel(config?.dailyChannelId)}`;
}

function list(): string {
  return Object.entries(commands)
    .map(([name, { help }]) => `**${name}** ${help}`)
    .join("\n");
}
