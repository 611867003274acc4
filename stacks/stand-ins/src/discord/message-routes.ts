import { type Answer, json, noContent } from "../shared/answer.ts";
import { isObject, type Json } from "../shared/call.ts";
import type { Routes } from "../shared/route.ts";
import { messageObject } from "./objects.ts";
import { botRoutes, invalidForm, payloadOf, type Rest, unknown, withChannel } from "./rest.ts";
import type { Channel } from "./world.ts";

const mostContent = 2_000;

/** Posting, reading, editing and deleting messages. */
export function messageRoutes(rest: Rest): Routes {
  const { world, events } = rest;
  return botRoutes(rest, {
    "POST /channels/:channel/messages": withChannel(rest, async (channel, call) =>
      post(rest, channel, await payloadOf(call)),
    ),
    "GET /channels/:channel/messages": withChannel(rest, (channel, call) => {
      const limit = Math.min(100, Math.max(1, Number(call.url.searchParams.get("limit")) || 50));
      return json([...(world.messages.get(channel.id) ?? [])].reverse().slice(0, limit));
    }),
    "GET /channels/:channel/messages/:message": withChannel(rest, (channel, call) => {
      const message = world.message(channel.id, call.param("message"));
      return message ? json(message) : unknown.message;
    }),
    "PATCH /channels/:channel/messages/:message": withChannel(rest, async (channel, call) => {
      const message = world.message(channel.id, call.param("message"));
      if (!message) return unknown.message;
      edit(message, await payloadOf(call));
      events.messageUpdated(channel, message);
      return json(message);
    }),
    "DELETE /channels/:channel/messages/:message": withChannel(rest, (channel, call) => {
      const id = call.param("message");
      if (!world.dropMessage(channel.id, id)) return unknown.message;
      events.messageDeleted(channel, id);
      return noContent;
    }),
    "POST /channels/:channel/typing": withChannel(rest, () => noContent),
    "PUT /channels/:channel/messages/:message/reactions/:emoji/@me": withChannel(rest, (channel, call) => {
      const id = call.param("message");
      if (!world.message(channel.id, id)) return unknown.message;
      events.reactionAdded(channel, id, call.param("emoji"));
      return noContent;
    }),
  });
}

function post(rest: Rest, channel: Channel, payload: Json): Answer {
  const problem = contentProblem(payload);
  if (problem) return problem;
  const message = messageObject(rest.world, channel, rest.world.bot, payload);
  const reference = payload["message_reference"];
  const replied = isObject(reference)
    ? rest.world.message(channel.id, String(reference["message_id"]))
    : undefined;
  if (replied) message["referenced_message"] = replied;
  rest.world.keepMessage(channel.id, message);
  rest.sent.add(channel, message);
  rest.events.messageCreated(channel, message);
  return json(message);
}

/** Discord refuses empty and over-long messages. */
export function contentProblem(payload: Json): Answer | undefined {
  const content = payload["content"] ?? "";
  if (typeof content !== "string") return invalidForm("content must be a text");
  if (content.length > mostContent) return invalidForm("Must be 2000 or fewer in length.");
  const parts = [payload["embeds"], payload["components"], payload["attachments"], payload["sticker_ids"]];
  const hasParts = parts.some((part) => Array.isArray(part) && part.length > 0) || isObject(payload["poll"]);
  if (content === "" && !hasParts)
    return { status: 400, body: { message: "Cannot send an empty message", code: 50006 } };
  return undefined;
}

export function edit(message: Json, payload: Json): void {
  for (const key of ["content", "embeds", "components", "flags"])
    if (payload[key] !== undefined && payload[key] !== null) message[key] = payload[key];
  message["edited_timestamp"] = new Date().toISOString();
}
