import { isObject, type Json } from "../shared/call.ts";
import type { Command } from "./commands.ts";
import type { Interaction } from "./interactions.ts";
import { bareMemberObject, channelObject, memberObject, permissionsOf, userObject } from "./objects.ts";
import type { Guild, User, World } from "./world.ts";

export type Presser = { guild: Guild | undefined; user: User };

/** What INTERACTION_CREATE carries for every kind of interaction. */
export function interactionObject(world: World, interaction: Interaction, { guild, user }: Presser): Json {
  const member = guild?.members.get(user.id);
  const { id, token, channel } = interaction;
  const permissions = guild ? permissionsOf(guild, user.id) : "0";
  return {
    id,
    token,
    application_id: world.bot.id,
    version: 1,
    channel_id: channel.id,
    channel: { ...channelObject(world, channel), permissions },
    locale: "en-US",
    app_permissions: "2251799813685247",
    entitlements: [],
    authorizing_integration_owners: guild ? { 0: guild.id } : { 1: user.id },
    context: guild ? 0 : 1,
    attachment_size_limit: 10_485_760,
    ...(guild && member
      ? {
          guild_id: guild.id,
          guild: { id: guild.id, locale: "en-US", features: [] },
          guild_locale: "en-US",
          member: { ...memberObject(world, member), permissions },
        }
      : { user: userObject(user) }),
  };
}

/** Options as Discord lists them, from its own list or from plain `{name: value}`. */
export function commandData(
  world: World,
  command: Command,
  options: unknown,
  guild: Guild | undefined,
): Json {
  const listed = Array.isArray(options) ? options : isObject(options) ? listOptions(command, options) : [];
  return {
    id: command.id,
    name: command.name,
    type: command.type,
    options: listed,
    ...(command["guild_id"] === undefined ? {} : { guild_id: command["guild_id"] }),
    ...resolved(world, listed.filter(isObject), guild),
  };
}

const subcommand = 1;
const subcommandGroup = 2;

function listOptions(known: Json, given: Json): Json[] {
  const declared = Array.isArray(known["options"]) ? known["options"].filter(isObject) : [];
  return Object.entries(given).map(([name, value]) => {
    const option = declared.find((one) => one["name"] === name);
    const type = Number(option?.["type"] ?? typeOf(value));
    if (option && isObject(value) && [subcommand, subcommandGroup].includes(type))
      return { name, type, options: listOptions(option, value) };
    return { name, type, value };
  });
}

function typeOf(value: unknown): number {
  if (typeof value === "boolean") return 5;
  if (typeof value === "number") return Number.isInteger(value) ? 4 : 10;
  return 3;
}

function resolved(world: World, options: readonly Json[], guild: Guild | undefined): Json {
  const flat = options.flatMap((option) => [
    option,
    ...(Array.isArray(option["options"]) ? option["options"] : []),
  ]);
  const ids = flat.filter((option) => option["type"] === 6).map((option) => String(option["value"]));
  if (ids.length === 0) return {};
  const users = Object.fromEntries(ids.map((id) => [id, userObject(world.user(id))]));
  const members = ids.flatMap((id) => {
    const member = guild?.members.get(id);
    return member && guild
      ? [[id, { ...bareMemberObject(member), permissions: permissionsOf(guild, id) }] as const]
      : [];
  });
  return { resolved: { users, members: Object.fromEntries(members) } };
}
