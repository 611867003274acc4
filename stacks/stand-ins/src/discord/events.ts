import type { Json } from "../shared/call.ts";
import { intent } from "./intents.ts";
import { bareMemberObject, guildCreateObject, memberObject, messageEvent, userObject } from "./objects.ts";
import { type Sessions, withContentAllowed } from "./sessions.ts";
import type { Channel, Guild, Member, World } from "./world.ts";

/** What happens in the world, told to the gateway sessions that may hear it. */
export class Events {
  readonly #world: World;
  readonly #sessions: Sessions;

  constructor(world: World, sessions: Sessions) {
    this.#world = world;
    this.#sessions = sessions;
  }

  guildCreated(guild: Guild): void {
    const data = guildCreateObject(this.#world, guild);
    this.#sessions.dispatch({ name: "GUILD_CREATE", guildId: guild.id, intents: intent.guilds, data });
  }

  memberAdded(guild: Guild, member: Member): void {
    this.#aboutMember("GUILD_MEMBER_ADD", guild, memberObject(this.#world, member));
  }

  memberUpdated(guild: Guild, member: Member): void {
    this.#aboutMember("GUILD_MEMBER_UPDATE", guild, memberObject(this.#world, member));
  }

  memberRemoved(guild: Guild, userId: string): void {
    this.#aboutMember("GUILD_MEMBER_REMOVE", guild, { user: userObject(this.#world.user(userId)) });
  }

  messageCreated(channel: Channel, message: Json): void {
    this.#aboutMessage("MESSAGE_CREATE", channel, message);
  }

  messageUpdated(channel: Channel, message: Json): void {
    this.#aboutMessage("MESSAGE_UPDATE", channel, message);
  }

  messageDeleted(channel: Channel, id: string): void {
    const guild = channel.guildId === null ? {} : { guild_id: channel.guildId };
    this.#sessions.dispatch({
      name: "MESSAGE_DELETE",
      guildId: channel.guildId,
      intents: messageIntent(channel),
      data: { id, channel_id: channel.id, ...guild },
    });
  }

  reactionAdded(channel: Channel, messageId: string, emoji: string): void {
    const bot = this.#world.bot;
    const member = channel.guildId ? this.#world.guilds.get(channel.guildId)?.members.get(bot.id) : undefined;
    this.#sessions.dispatch({
      name: "MESSAGE_REACTION_ADD",
      guildId: channel.guildId,
      intents: intent.guildMessageReactions,
      data: {
        user_id: bot.id,
        channel_id: channel.id,
        message_id: messageId,
        emoji: { id: null, name: emoji },
        burst: false,
        type: 0,
        ...(channel.guildId === null ? {} : { guild_id: channel.guildId }),
        ...(member ? { member: { user: userObject(bot), ...bareMemberObject(member) } } : {}),
      },
    });
  }

  /** Needs no intent. */
  interactionCreated(guildId: string | null, interaction: Json): void {
    this.#sessions.dispatch({ name: "INTERACTION_CREATE", guildId, intents: 0, data: interaction });
  }

  #aboutMember(name: string, guild: Guild, data: Json): void {
    const withGuild = { guild_id: guild.id, ...data };
    this.#sessions.dispatch({ name, guildId: guild.id, intents: intent.guildMembers, data: withGuild });
  }

  #aboutMessage(name: string, channel: Channel, message: Json): void {
    const author = message["author"] as Json;
    const event = messageEvent(this.#world, channel, message, String(author["id"]));
    const botId = this.#world.bot.id;
    this.#sessions.dispatch({
      name,
      guildId: channel.guildId,
      intents: messageIntent(channel),
      data: (session) => withContentAllowed(event, session, botId),
    });
  }
}

function messageIntent(channel: Channel): number {
  return channel.guildId === null ? intent.directMessages : intent.guildMessages;
}
