import { json, noContent } from "../shared/answer.ts";
import { type Call, textOf } from "../shared/call.ts";
import type { Handler, Routes } from "../shared/route.ts";
import { botObject, channelObject, guildObject, memberObject, roleObject, userObject } from "./objects.ts";
import { botRoutes, mounted, type Rest, unknown, withChannel, withGuild } from "./rest.ts";

/** Gateway address, the bot itself, guilds, members, roles, channels. */
export function guildRoutes(rest: Rest): Routes {
  const { world, settings } = rest;
  const gatewayUrl = (call: Call) => settings.gatewayUrl || `ws://${call.host}/gateway`;
  const application = () => {
    const bot = botObject(world.bot);
    const id = settings.applicationId;
    return { id, name: "harbour-bot", description: "", icon: null, bot_public: true, bot, flags: 0 };
  };
  const open = { "GET /gateway": (call: Call) => json({ url: gatewayUrl(call) }) };
  const bot = {
    "GET /gateway/bot": (call: Call) =>
      json({
        url: gatewayUrl(call),
        shards: 1,
        session_start_limit: { total: 1_000, remaining: 1_000, reset_after: 14_400_000, max_concurrency: 16 },
      }),
    "GET /applications/@me": () => json(application()),
    "GET /oauth2/applications/@me": () => json(application()),
    "POST /users/@me/channels": (call: Call) => {
      const user = world.users.get(textOf(call.json(), "recipient_id"));
      return user ? json(channelObject(world, world.directChannel(user.id))) : unknown.user;
    },
    "GET /users/:user": (call: Call) => {
      const user = world.users.get(call.param("user"));
      return user ? json(userObject(user)) : unknown.user;
    },
    "GET /guilds/:guild": withGuild(rest, (guild, call) => {
      const counts = call.url.searchParams.get("with_counts") === "true";
      const members = guild.members.size;
      const extra = { approximate_member_count: members, approximate_presence_count: members };
      return json({ ...guildObject(guild), ...(counts ? extra : {}) });
    }),
    "GET /guilds/:guild/channels": withGuild(rest, (guild) =>
      json(guild.channels.map((channel) => channelObject(world, channel))),
    ),
    "GET /guilds/:guild/roles": withGuild(rest, (guild) => json(guild.roles.map(roleObject))),
    "GET /channels/:channel": withChannel(rest, (channel) => json(channelObject(world, channel))),
    ...memberRoutes(rest),
  };
  return { ...mounted(open), ...botRoutes(rest, bot) };
}

function memberRoutes(rest: Rest): Routes {
  const { world } = rest;
  return {
    "GET /guilds/:guild/members": withGuild(rest, (guild, call) => {
      const limit = Math.min(1_000, Math.max(1, Number(call.url.searchParams.get("limit")) || 1));
      const after = BigInt(call.url.searchParams.get("after")?.match(/^\d{1,20}$/)?.[0] ?? "0");
      const members = [...guild.members.values()]
        .filter(({ userId }) => BigInt(userId) > after)
        .sort((a, b) => (BigInt(a.userId) < BigInt(b.userId) ? -1 : 1));
      return json(members.slice(0, limit).map((member) => memberObject(world, member)));
    }),
    "GET /guilds/:guild/members/:user": withGuild(rest, (guild, call) => {
      const member = guild.members.get(call.param("user"));
      return member ? json(memberObject(world, member)) : unknown.member;
    }),
    "PUT /guilds/:guild/members/:user/roles/:role": roleChange(rest, (roles, role) => [
      ...new Set([...roles, role]),
    ]),
    "DELETE /guilds/:guild/members/:user/roles/:role": roleChange(rest, (roles, role) =>
      roles.filter((held) => held !== role),
    ),
  };
}

function roleChange(rest: Rest, change: (roles: string[], role: string) => string[]): Handler {
  return withGuild(rest, (guild, call) => {
    const known = guild.members.get(call.param("user"));
    if (!known) return unknown.member;
    const { member } = rest.world.setMember(guild, known.userId, change(known.roles, call.param("role")));
    rest.events.memberUpdated(guild, member);
    return noContent;
  });
}
