import { setTimeout as delay } from "node:timers/promises";
import {
  type ChatInputCommandInteraction,
  Client,
  Events,
  GatewayIntentBits,
  MessageFlags,
} from "discord.js";
import { log, reasonOf } from "../log.ts";
import type { RoleBoard } from "../role-board.ts";
import type { Settings } from "../settings.ts";
import { type AnswerParts, answerCommand, type CommandCall } from "./answer-command.ts";

/** The one gateway session of the bot. Reconnecting, RESUME and heartbeat checks are discord.js's. */
export class Gateway {
  readonly #client: Client;
  readonly #board: RoleBoard;
  readonly #parts: AnswerParts;
  readonly #underWay = new Set<Promise<void>>();

  constructor(settings: Settings, board: RoleBoard, parts: AnswerParts) {
    this.#board = board;
    this.#parts = parts;
    this.#client = new Client({
      intents: [GatewayIntentBits.Guilds],
      rest: { api: settings.DISCORD_API, version: "10", timeout: 5_000, retries: 2 },
    });
    this.#client.token = settings.DISCORD_TOKEN;
    this.#listen();
  }

  /** Resolves when the session is ready; discord.js goes on trying after that. */
  async start(): Promise<void> {
    const ready = new Promise<void>((resolve) => this.#client.once(Events.ClientReady, () => resolve()));
    await this.#client.login();
    await ready;
  }

  /** Answers under way end first; then the session closes, before anything else of this program stops. */
  async stop(): Promise<void> {
    this.#client.removeAllListeners(Events.InteractionCreate);
    await Promise.race([Promise.allSettled(this.#underWay), delay(3_000, undefined, { ref: false })]);
    await this.#client.destroy();
  }

  #listen(): void {
    const client = this.#client;
    client.on(Events.ShardReady, () => this.#board.set("gateway", "up"));
    client.on(Events.ShardResume, () => this.#board.set("gateway", "up"));
    client.on(Events.ShardReconnecting, () => this.#board.set("gateway", "degraded", "reconnecting"));
    client.on(Events.ShardDisconnect, (event) => {
      this.#board.set("gateway", "degraded", `closed with ${event.code}`);
      log.error("gateway closed for good", { code: event.code });
    });
    client.on(Events.ShardError, (error) => log.warn("gateway error", { reason: error.message }));
    client.on(Events.Error, (error) => log.warn("discord client error", { reason: error.message }));
    client.on(Events.Invalidated, () => this.#board.set("gateway", "degraded", "session invalidated"));
    client.on(Events.ClientReady, () => {
      for (const guild of client.guilds.cache.values()) this.#meet(guild.id, guild.name);
    });
    client.on(Events.GuildCreate, (guild) => this.#meet(guild.id, guild.name));
    client.on(Events.GuildUpdate, (_before, guild) => this.#meet(guild.id, guild.name));
    client.on(Events.InteractionCreate, (interaction) => {
      if (!interaction.isChatInputCommand() || interaction.guildId === null) return;
      const work = this.#answer(interaction).finally(() => this.#underWay.delete(work));
      this.#underWay.add(work);
    });
  }

  #meet(guildId: string, name: string): void {
    // A missed name is learnt at the next start; the bot works with defaults until then.
    this.#parts.configs
      .meet(guildId, name)
      .catch((error) => log.warn("guild not noted", { guildId, reason: reasonOf(error) }));
  }

  async #answer(interaction: ChatInputCommandInteraction): Promise<void> {
    try {
      // Discord waits three seconds for the first answer; a write with retries may take longer.
      await interaction.deferReply({ flags: MessageFlags.Ephemeral });
      await interaction.editReply(await answerCommand(callOf(interaction), this.#parts));
    } catch (error) {
      log.error("command failed", { command: interaction.commandName, reason: reasonOf(error) });
      await interaction.editReply("Something went wrong; nothing was recorded.").catch(() => undefined);
    }
  }
}

function callOf(interaction: ChatInputCommandInteraction): CommandCall {
  const { options } = interaction;
  const distance = options.getNumber("distance");
  const note = options.getString("note");
  const date = options.getString("date");
  return {
    interactionId: interaction.id,
    guildId: interaction.guildId ?? "",
    user: { id: interaction.user.id, name: interaction.user.username },
    command: interaction.commandName,
    ...(distance === null ? {} : { distance }),
    ...(note === null ? {} : { note }),
    ...(date === null ? {} : { date }),
  };
}
