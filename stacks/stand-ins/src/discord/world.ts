import type { Json } from "../shared/call.ts";
import type { DiscordSettings } from "./settings.ts";
import { newSnowflake } from "./snowflake.ts";

export type User = { id: string; username: string; email: string; bot: boolean };
export type Member = { userId: string; roles: string[]; joinedAt: string };
export type Role = { id: string; name: string; permissions: string };
export type Channel = { id: string; name: string; guildId: string | null; recipientId?: string };
export type Guild = {
  id: string;
  name: string;
  ownerId: string;
  roles: Role[];
  channels: Channel[];
  members: Map<string, Member>;
};

export const ownerId = "200000000000000001";
export const adminRoleId = "300000000000000001";
const everyonesPermissions = "2248473465835073";
const mostMessagesPerChannel = 500;

/** Everything that Discord would know: people, guilds, channels, messages. */
export class World {
  readonly #settings: DiscordSettings;
  readonly users = new Map<string, User>();
  readonly guilds = new Map<string, Guild>();
  readonly directChannels = new Map<string, Channel>();
  readonly messages = new Map<string, Json[]>();

  constructor(settings: DiscordSettings) {
    this.#settings = settings;
    this.reset();
  }

  get bot(): User {
    return this.user(this.#settings.applicationId, "harbour-bot");
  }

  reset(): void {
    for (const map of [this.users, this.guilds, this.directChannels, this.messages]) map.clear();
    const id = this.#settings.applicationId;
    this.users.set(id, { id, username: "harbour-bot", email: "", bot: true });
    for (const [userId, name] of [
      [ownerId, "ada"],
      ["200000000000000002", "grace"],
      ["200000000000000003", "mallory"],
    ] as const)
      this.user(userId, name);
    for (const guild of this.#settings.guilds) {
      const made = this.addGuild(guild);
      made.roles.push({ id: adminRoleId, name: "Admin", permissions: "8" });
      this.setMember(made, ownerId, [adminRoleId]);
      this.setMember(made, "200000000000000002", []);
    }
  }

  /** The person with this id; made known when new. */
  user(id: string, username?: string, email?: string): User {
    const known = this.users.get(id);
    if (known) return known;
    const name = username || `user-${id}`;
    const user = { id, username: name, email: email ?? `${name}@example.com`, bot: false };
    this.users.set(id, user);
    return user;
  }

  addGuild(wanted: { id: string; name: string; channels?: Channel[]; roles?: Role[] }): Guild {
    const { id, name } = wanted;
    const general = { id: String(BigInt(id) + 1n), name: "general", guildId: id };
    const everyone = { id, name: "@everyone", permissions: everyonesPermissions };
    const guild: Guild = {
      id,
      name,
      ownerId,
      roles: [everyone, ...(wanted.roles ?? [])],
      channels: [general, ...(wanted.channels ?? [])],
      members: new Map(),
    };
    this.guilds.set(id, guild);
    this.setMember(guild, ownerId, []);
    this.setMember(guild, this.#settings.applicationId, []);
    return guild;
  }

  setMember(guild: Guild, userId: string, roles: string[]): { member: Member; isNew: boolean } {
    const known = guild.members.get(userId);
    const joinedAt = known?.joinedAt ?? new Date().toISOString();
    const member = { userId, roles, joinedAt };
    guild.members.set(userId, member);
    return { member, isNew: !known };
  }

  channel(id: string): Channel | undefined {
    const direct = this.directChannels.get(id);
    if (direct) return direct;
    for (const guild of this.guilds.values()) {
      const found = guild.channels.find((channel) => channel.id === id);
      if (found) return found;
    }
    return undefined;
  }

  directChannel(userId: string): Channel {
    for (const channel of this.directChannels.values()) if (channel.recipientId === userId) return channel;
    const channel = { id: newSnowflake(), name: "", guildId: null, recipientId: userId };
    this.directChannels.set(channel.id, channel);
    return channel;
  }

  keepMessage(channelId: string, message: Json): void {
    const messages = this.messages.get(channelId) ?? [];
    messages.push(message);
    if (messages.length > mostMessagesPerChannel) messages.shift();
    this.messages.set(channelId, messages);
  }

  message(channelId: string, id: string): Json | undefined {
    return this.messages.get(channelId)?.find((message) => message["id"] === id);
  }

  dropMessage(channelId: string, id: string): boolean {
    const messages = this.messages.get(channelId) ?? [];
    const index = messages.findIndex((message) => message["id"] === id);
    if (index >= 0) messages.splice(index, 1);
    return index >= 0;
  }
}
