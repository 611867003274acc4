import { type Answer, json, noContent } from "../shared/answer.ts";
import { BadCall, type Call, isObject, type Json, listOf, objectOf, textOf } from "../shared/call.ts";
import type { Routes } from "../shared/route.ts";
import type { Gateway } from "./gateway.ts";
import { commandData, interactionObject, type Presser } from "./interaction-objects.ts";
import { memberObject, messageObject, userObject } from "./objects.ts";
import type { Rest } from "./rest.ts";
import type { Sessions } from "./sessions.ts";
import { type Channel, type Guild, ownerId, type User, type World } from "./world.ts";

/** What tests steer and look at. */
export function discordControl(rest: Rest, gateway: Gateway, sessions: Sessions): Routes {
  return {
    "GET /_stand-in/sessions": () => json(sessions.all.map((session) => session.describe())),
    "GET /_stand-in/sent": () => json(rest.sent.all),
    "GET /_stand-in/commands": () => json(rest.commands.describe()),
    "GET /_stand-in/replies": () => json(rest.interactions.describe()),
    "POST /_stand-in/close": (call) => {
      const { code, shard } = call.json();
      const isCode = code === 1000 || code === 1001 || (Number(code) >= 3000 && Number(code) <= 4999);
      if (!Number.isInteger(code) || !isCode) throw new BadCall("code must be 1000, 1001 or 3000 to 4999");
      return json({ closed: gateway.close(Number(code), shard === undefined ? undefined : Number(shard)) });
    },
    "POST /_stand-in/invalidate": (call) =>
      json({ sent: gateway.invalidate(call.json()["resumable"] === true) }),
    "POST /_stand-in/reconnect": () => json({ sent: gateway.askToReconnect() }),
    "POST /_stand-in/messages": (call) => postMessage(rest, call.json()),
    "POST /_stand-in/interactions": (call) => sendCommand(rest, call.json()),
    "POST /_stand-in/components": (call) => sendComponent(rest, call.json()),
    "POST /_stand-in/people": (call) => {
      const body = call.json();
      const email = body["email"] === undefined ? undefined : textOf(body, "email");
      const user = rest.world.user(idOf(body, "id"), textOf(body, "username"), email);
      return json({ ...userObject(user), email: user.email }, 201);
    },
    ...guildControl(rest),
  };
}

function guildControl(rest: Rest): Routes {
  const { world, events } = rest;
  return {
    "POST /_stand-in/guilds": (call) => {
      const guild = addGuild(world, call.json());
      events.guildCreated(guild);
      return json({ id: guild.id, name: guild.name, channels: guild.channels, roles: guild.roles }, 201);
    },
    "POST /_stand-in/members": (call) => {
      const body = call.json();
      const guild = guildOf(world, body);
      const user = userOf(world, objectOf(body, "user"));
      const roles = listOf(body, "roles").map(String);
      const { member, isNew } = world.setMember(guild, user.id, roles);
      if (isNew) events.memberAdded(guild, member);
      else events.memberUpdated(guild, member);
      return json(memberObject(world, member), 201);
    },
    "POST /_stand-in/members/remove": (call: Call) => {
      const body = call.json();
      const guild = guildOf(world, body);
      const userId = idOf(body, "userId");
      if (!guild.members.delete(userId)) throw new BadCall("no such member");
      events.memberRemoved(guild, userId);
      return noContent;
    },
  };
}

function addGuild(world: World, body: Json): Guild {
  const id = idOf(body, "id");
  const channels = listOf(body, "channels")
    .filter(isObject)
    .map((one) => ({ id: idOf(one, "id"), name: textOf(one, "name"), guildId: id }));
  const roles = listOf(body, "roles")
    .filter(isObject)
    .map((one) => ({
      id: idOf(one, "id"),
      name: textOf(one, "name"),
      permissions: textOf(one, "permissions", "0"),
    }));
  return world.addGuild({ id, name: textOf(body, "name"), channels, roles });
}

function postMessage(rest: Rest, body: Json): Answer {
  const { world, events } = rest;
  const user = userOf(world, objectOf(body, "author"));
  const channel = place(rest, body, user).channel;
  const message = messageObject(world, channel, user, { content: textOf(body, "content") });
  world.keepMessage(channel.id, message);
  events.messageCreated(channel, message);
  return json(message, 201);
}

function sendCommand(rest: Rest, body: Json): Answer {
  const { world, commands, interactions, events } = rest;
  const name = textOf(body, "command");
  const user = userOf(world, objectOf(body, "user"));
  const { guild, channel } = place(rest, body, user);
  const command = commands.find(guild?.id ?? null, name);
  if (!command) return json({ error: `no command ${name} is registered` }, 404);
  const interaction = interactions.create(name, channel);
  events.interactionCreated(guild?.id ?? null, {
    ...interactionObject(world, interaction, { guild, user }),
    type: 2,
    data: commandData(world, command, body["options"], guild),
  });
  return json({ id: interaction.id, token: interaction.token }, 201);
}

function sendComponent(rest: Rest, body: Json): Answer {
  const { world, interactions, events } = rest;
  const user = userOf(world, objectOf(body, "user"));
  const { guild, channel } = place(rest, body, user);
  const message = world.message(channel.id, idOf(body, "messageId"));
  if (!message) return json({ error: "no such message" }, 404);
  const customId = textOf(body, "customId");
  const values = body["values"] === undefined ? undefined : listOf(body, "values");
  const interaction = interactions.create(customId, channel, message);
  events.interactionCreated(guild?.id ?? null, {
    ...interactionObject(world, interaction, { guild, user }),
    type: 3,
    message,
    data: values
      ? { custom_id: customId, component_type: 3, values }
      : { custom_id: customId, component_type: 2 },
  });
  return json({ id: interaction.id, token: interaction.token }, 201);
}

/** The channel meant; who writes in a guild is a member of it from then on. */
function place(rest: Rest, body: Json, user: User): Presser & { channel: Channel } {
  const { world, events } = rest;
  if (body["guildId"] === null) return { guild: undefined, user, channel: world.directChannel(user.id) };
  const guild = guildOf(world, body);
  const channel = guild.channels.find(({ id }) => id === body["channelId"]);
  if (!channel)
    throw new BadCall(`channelId: guild ${guild.id} has ${guild.channels.map(({ id }) => id).join(", ")}`);
  if (!guild.members.has(user.id)) events.memberAdded(guild, world.setMember(guild, user.id, []).member);
  return { guild, user, channel };
}

function guildOf(world: World, body: Json): Guild {
  const guild = world.guilds.get(idOf(body, "guildId"));
  if (!guild) throw new BadCall("no such guild");
  return guild;
}

function userOf(world: World, body: Json): User {
  return world.user(idOf(body, "id"), textOf(body, "username", ""));
}

function idOf(from: Json, key: string): string {
  const id = from[key];
  if (typeof id !== "string" || !/^\d{1,19}$/.test(id))
    throw new BadCall(`${key} must be a decimal id in quotes, e.g. "${ownerId}"`);
  return id;
}
