import {
  type Client,
  Events,
  GatewayDispatchEvents,
  type GuildMember,
  type Message,
  PermissionFlagsBits,
} from "discord.js";
import type { Outbox } from "./api/outbox.ts";
import type { Database } from "./database/pool.ts";
import { handleGuildCreate } from "./events/guild-create.ts";
import { handleMessage } from "./events/handle-message.ts";
import { handleMemberAdd } from "./events/member-add.ts";
import { handleReady } from "./events/ready.ts";
import type { Log } from "./log.ts";
import type { IncomingGuild, IncomingMessage } from "./models/incoming.ts";

export type HandlerContext = { database: Database; outbox: Outbox; log: Log; version: string };

/** Takes the gateway's events apart and hands them to the events module; what is still at work is waited for at the end. */
export class EventHandler {
  readonly #context: HandlerContext;
  readonly #running = new Set<Promise<void>>();
  /** Guilds that are being saved, each with the newest that is known of it. */
  readonly #newest = new Map<string, IncomingGuild>();

  constructor(context: HandlerContext) {
    this.#context = context;
  }

  listen(client: Client): void {
    const { log } = this.#context;
    client.on(Events.ClientReady, ({ user, guilds }) => {
      handleReady(
        { user: user.tag, guilds: guilds.cache.size, shard: client.ws.shards.firstKey() ?? 0 },
        log,
      );
    });
    // The gateway's own event: discord.js's `guildCreate` leaves out the guilds of the start and those it knows.
    client.ws.on(GatewayDispatchEvents.GuildCreate, (guild: { id: string; name: string }) =>
      this.#guild(guild),
    );
    client.on(Events.GuildUpdate, (_before, guild) => this.#guild(guild));
    client.on(Events.MessageCreate, (message) => {
      const incoming = readMessage(message);
      if (incoming) this.#run("message", () => handleMessage(incoming, this.#context));
    });
    client.on(Events.GuildMemberAdd, (member: GuildMember) => {
      const incoming = { guildId: member.guild.id, userId: member.id };
      this.#run("member add", () => handleMemberAdd(incoming, this.#context));
    });
  }

  /** Everything that has begun ends, at most so long. */
  async drain(limitMs: number): Promise<void> {
    const limit = new Promise((resolve) => setTimeout(resolve, limitMs).unref());
    await Promise.race([Promise.allSettled(this.#running), limit]);
  }

  #guild(guild: { id: string; name: string }): void {
    const incoming: IncomingGuild = { guildId: guild.id, guildName: guild.name };
    const isBeingSaved = this.#newest.has(guild.id);
    this.#newest.set(guild.id, incoming);
    if (!isBeingSaved) this.#run("guild create", () => this.#saveNewest(guild.id));
  }

  /** One at a time per guild: two at once, each on a connection of its own, may end with the older name. */
  async #saveNewest(guildId: string): Promise<void> {
    for (let saved: IncomingGuild | undefined; ; ) {
      const incoming = this.#newest.get(guildId);
      if (!incoming || incoming === saved) break;
      await this.#attempt("guild create", () => handleGuildCreate(incoming, this.#context.database));
      saved = incoming;
    }
    this.#newest.delete(guildId);
  }

  #run(event: string, work: () => Promise<void>): void {
    const running = this.#attempt(event, work);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  async #attempt(event: string, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#context.log("error", `${event} failed`, { reason });
    });
  }
}

/** Messages of people in guilds; the bot's own and other bots' are none of its business. */
function readMessage(message: Message): IncomingMessage | undefined {
  if (!message.guild || message.author.bot) return undefined;
  const owns = message.guild.ownerId === message.author.id;
  return {
    messageId: message.id,
    guildId: message.guild.id,
    channelId: message.channelId,
    authorId: message.author.id,
    authorName: message.author.username,
    content: message.content,
    mayConfigure: owns || (message.member?.permissions.has(PermissionFlagsBits.ManageGuild) ?? false),
  };
}
