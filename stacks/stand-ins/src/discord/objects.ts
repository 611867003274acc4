import type { Json } from "../shared/call.ts";
import { newSnowflake } from "./snowflake.ts";
import type { Channel, Guild, Member, Role, User, World } from "./world.ts";

/** Our records in the shape in which Discord's API shows them. */
export function userObject(user: User): Json {
  return {
    id: user.id,
    username: user.username,
    discriminator: "0",
    global_name: user.bot ? null : user.username,
    avatar: null,
    banner: null,
    accent_color: null,
    public_flags: 0,
    flags: 0,
    ...(user.bot ? { bot: true } : {}),
  };
}

export function botObject(user: User): Json {
  return { ...userObject(user), verified: true, mfa_enabled: true, email: null, locale: "en-US" };
}

export function memberObject(world: World, member: Member): Json {
  return { user: userObject(world.user(member.userId)), ...bareMemberObject(member) };
}

export function bareMemberObject(member: Member): Json {
  return {
    nick: null,
    avatar: null,
    roles: member.roles,
    joined_at: member.joinedAt,
    premium_since: null,
    communication_disabled_until: null,
    deaf: false,
    mute: false,
    pending: false,
    flags: 0,
  };
}

export function roleObject(role: Role, position: number): Json {
  return {
    id: role.id,
    name: role.name,
    permissions: role.permissions,
    position,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    icon: null,
    unicode_emoji: null,
    managed: false,
    mentionable: false,
    flags: 0,
  };
}

export function channelObject(world: World, channel: Channel): Json {
  if (channel.guildId === null) {
    const recipients = channel.recipientId ? [userObject(world.user(channel.recipientId))] : [];
    return { id: channel.id, type: 1, last_message_id: null, flags: 0, recipients };
  }
  return {
    id: channel.id,
    type: 0,
    guild_id: channel.guildId,
    name: channel.name,
    position: 0,
    permission_overwrites: [],
    nsfw: false,
    topic: null,
    last_message_id: null,
    rate_limit_per_user: 0,
    parent_id: null,
    flags: 0,
  };
}

export function guildObject(guild: Guild): Json {
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    splash: null,
    discovery_splash: null,
    banner: null,
    description: null,
    vanity_url_code: null,
    owner_id: guild.ownerId,
    region: "deprecated",
    afk_channel_id: null,
    afk_timeout: 300,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    mfa_level: 0,
    nsfw_level: 0,
    nsfw: false,
    premium_tier: 0,
    premium_subscription_count: 0,
    premium_progress_bar_enabled: false,
    preferred_locale: "en-US",
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    application_id: null,
    max_members: 500_000,
    max_presences: null,
    roles: guild.roles.map(roleObject),
    emojis: [],
    stickers: [],
    features: [],
  };
}

export function guildCreateObject(world: World, guild: Guild): Json {
  return {
    ...guildObject(guild),
    joined_at: guild.members.get(world.bot.id)?.joinedAt ?? new Date().toISOString(),
    large: false,
    unavailable: false,
    member_count: guild.members.size,
    members: [...guild.members.values()].map((member) => memberObject(world, member)),
    channels: guild.channels.map((channel) => channelObject(world, channel)),
    threads: [],
    presences: [],
    voice_states: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

export function messageObject(world: World, channel: Channel, author: User, content: Json): Json {
  const text = typeof content["content"] === "string" ? content["content"] : "";
  return {
    id: newSnowflake(),
    channel_id: channel.id,
    author: userObject(author),
    content: text,
    timestamp: new Date().toISOString(),
    edited_timestamp: null,
    tts: false,
    mention_everyone: false,
    mentions: mentioned(world, text).map(userObject),
    mention_roles: [],
    attachments: [],
    embeds: content["embeds"] ?? [],
    components: content["components"] ?? [],
    pinned: false,
    type: content["message_reference"] ? 19 : 0,
    flags: content["flags"] ?? 0,
    ...(content["nonce"] === undefined ? {} : { nonce: content["nonce"] }),
    ...(content["message_reference"] ? { message_reference: content["message_reference"] } : {}),
  };
}

function mentioned(world: World, text: string): User[] {
  const ids = [...text.matchAll(/<@!?(\d+)>/g)].map((found) => found[1] ?? "");
  return [...new Set(ids)].flatMap((id) => world.users.get(id) ?? []);
}

/** What the gateway adds to a message in a guild. */
export function messageEvent(world: World, channel: Channel, message: Json, authorId: string): Json {
  if (channel.guildId === null) return { ...message, channel_type: 1 };
  const member = world.guilds.get(channel.guildId)?.members.get(authorId);
  return {
    ...message,
    channel_type: 0,
    guild_id: channel.guildId,
    ...(member ? { member: bareMemberObject(member) } : {}),
  };
}

/** Administrators and owners may do everything; the bit that clients test is 8. */
export function permissionsOf(guild: Guild, userId: string): string {
  const roles = guild.members.get(userId)?.roles ?? [];
  if (guild.ownerId === userId) return "2251799813685247";
  const held = guild.roles.filter((role) => role.id === guild.id || roles.includes(role.id));
  return String(held.reduce((sum, role) => sum | BigInt(role.permissions), 0n));
}
