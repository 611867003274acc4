import type { Answer } from "../shared/answer.ts";
import { BadCall, Call, isObject, type Json, parseJson } from "../shared/call.ts";
import type { Handler, Routes } from "../shared/route.ts";
import { accepts } from "../shared/settings.ts";
import type { Commands } from "./commands.ts";
import type { Events } from "./events.ts";
import type { Interactions } from "./interactions.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Sent } from "./sent.ts";
import type { DiscordSettings } from "./settings.ts";
import type { Channel, Guild, World } from "./world.ts";

/** What the REST routes work on. */
export type Rest = {
  settings: DiscordSettings;
  world: World;
  events: Events;
  commands: Commands;
  interactions: Interactions;
  sent: Sent;
  limits: RateLimits;
};

/** Discord's error bodies; the numbers are its own. */
export const unknown = {
  guild: { status: 404, body: { message: "Unknown Guild", code: 10004 } },
  channel: { status: 404, body: { message: "Unknown Channel", code: 10003 } },
  member: { status: 404, body: { message: "Unknown Member", code: 10007 } },
  message: { status: 404, body: { message: "Unknown Message", code: 10008 } },
  user: { status: 404, body: { message: "Unknown User", code: 10013 } },
  command: { status: 404, body: { message: "Unknown application command", code: 10063 } },
  interaction: { status: 404, body: { message: "Unknown interaction", code: 10062 } },
  webhook: { status: 404, body: { message: "Unknown Webhook", code: 10015 } },
} as const satisfies Record<string, Answer>;

export const unauthorized: Answer = { status: 401, body: { message: "401: Unauthorized", code: 0 } };

export function invalidForm(detail: string): Answer {
  return {
    status: 400,
    body: { message: "Invalid Form Body", code: 50035, errors: { _errors: [{ message: detail }] } },
  };
}

/** Both `/api/v10/…` and `/api/…`; the token is checked and the request counted. */
export function botRoutes(rest: Rest, routes: Routes): Routes {
  return mounted(mapped(routes, (name, handler) => limited(rest, name, authorized(rest, handler))));
}

/** The same without a token: what is authorised by a token in the path. */
export function openRoutes(rest: Rest, routes: Routes): Routes {
  return mounted(mapped(routes, (name, handler) => limited(rest, name, handler)));
}

export function mounted(routes: Routes): Routes {
  const all: Routes = {};
  for (const [name, handler] of Object.entries(routes)) {
    const [method, path] = name.split(" ");
    all[`${method} /api/v10${path}`] = handler;
    all[`${method} /api${path}`] = handler;
  }
  return all;
}

function mapped(routes: Routes, wrap: (name: string, handler: Handler) => Handler): Routes {
  return Object.fromEntries(Object.entries(routes).map(([name, handler]) => [name, wrap(name, handler)]));
}

function authorized(rest: Rest, handler: Handler): Handler {
  return (call) => {
    const [kind, token = ""] = call.header("authorization").split(" ");
    if (kind !== "Bot" || !accepts(rest.settings.tokens, token)) return unauthorized;
    return handler(call);
  };
}

function limited(rest: Rest, name: string, handler: Handler): Handler {
  return async (call) => {
    const major = call.params["channel"] ?? call.params["guild"] ?? call.params["token"] ?? "";
    const { headers, refused } = rest.limits.take(name, major);
    if (refused) return refused;
    const answer = await discordErrors(handler, call);
    return answer && { ...answer, headers: { ...headers, ...answer.headers } };
  };
}

async function discordErrors(handler: Handler, call: Call): Promise<Answer | undefined> {
  try {
    return await handler(call);
  } catch (error) {
    if (error instanceof BadCall) return invalidForm(error.message);
    throw error;
  }
}

export function withGuild(rest: Rest, act: (guild: Guild, call: Call) => Answer | Promise<Answer>): Handler {
  return (call) => {
    const guild = rest.world.guilds.get(call.param("guild"));
    return guild ? act(guild, call) : unknown.guild;
  };
}

export function withChannel(
  rest: Rest,
  act: (channel: Channel, call: Call) => Answer | Promise<Answer>,
): Handler {
  return (call) => {
    const channel = rest.world.channel(call.param("channel"));
    return channel ? act(channel, call) : unknown.channel;
  };
}

/** A JSON body, or a multipart one whose JSON is in the field `payload_json`. */
export async function payloadOf(call: Call): Promise<Json> {
  const type = call.header("content-type");
  if (!type.includes("multipart/form-data")) return call.json();
  const form = await new Response(new Uint8Array(call.body), { headers: { "content-type": type } })
    .formData()
    .catch(() => undefined);
  const payload = form?.get("payload_json");
  const value = typeof payload === "string" ? parseJson(payload) : {};
  if (!form || !isObject(value)) throw new BadCall("the multipart body cannot be read");
  return value;
}
