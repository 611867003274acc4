import { type Answer, json, noContent } from "../shared/answer.ts";
import { type Call, isObject, type Json } from "../shared/call.ts";
import type { Handler, Routes } from "../shared/route.ts";
import type { Interaction, Reply } from "./interactions.ts";
import { contentProblem, edit } from "./message-routes.ts";
import { messageObject } from "./objects.ts";
import { invalidForm, openRoutes, payloadOf, type Rest, unknown } from "./rest.ts";

const callbackType = { pong: 1, message: 4, deferred: 5, deferredUpdate: 6, update: 7, choices: 8, modal: 9 };
const ephemeral = 1 << 6;
const loading = 1 << 7;

/** Answers to interactions: the callback within its deadline, then follow-ups and edits. */
export function interactionRoutes(rest: Rest): Routes {
  const base = "/webhooks/:app/:token";
  return openRoutes(rest, {
    "POST /interactions/:interaction/:token/callback": (call) => callback(rest, call),
    [`POST ${base}`]: replied(rest, async (interaction, reply, call) =>
      followUp(rest, interaction, reply, await payloadOf(call)),
    ),
    [`GET ${base}/messages/@original`]: replied(rest, (_, reply) =>
      reply.message ? json(reply.message) : unknown.message,
    ),
    [`PATCH ${base}/messages/@original`]: replied(rest, async (interaction, reply, call) =>
      editOriginal(rest, interaction, reply, await payloadOf(call)),
    ),
    [`DELETE ${base}/messages/@original`]: replied(rest, (_, reply) => {
      if (!reply.message) return unknown.message;
      reply.message = undefined;
      return noContent;
    }),
    [`PATCH ${base}/messages/:message`]: replied(rest, async (_, reply, call) => {
      const message = reply.followUps.find((one) => one["id"] === call.param("message"));
      if (!message) return unknown.message;
      edit(message, await payloadOf(call));
      return json(message);
    }),
  });
}

async function callback(rest: Rest, call: Call): Promise<Answer> {
  const interaction = rest.interactions.find(call.param("interaction"), call.param("token"));
  if (!interaction) return unknown.interaction;
  if (interaction.reply)
    return { status: 400, body: { message: "Interaction has already been acknowledged.", code: 40060 } };
  if (Date.now() - interaction.createdAt > rest.settings.interactionDeadlineMs) return unknown.interaction;
  const payload = await payloadOf(call);
  const type = Number(payload["type"]);
  if (!Object.values(callbackType).includes(type))
    return invalidForm("type: Value must be one of {1, 4, 5, 6, 7, 8, 9}.");
  const data = isObject(payload["data"]) ? payload["data"] : {};
  const problem = type === callbackType.message ? contentProblem(data) : undefined;
  if (problem) return problem;
  const reply = { at: new Date().toISOString(), type, data, message: undefined, followUps: [], edits: [] };
  interaction.reply = reply;
  acknowledge(rest, interaction, reply);
  if (call.url.searchParams.get("with_response") !== "true") return noContent;
  return json(callbackResponse(interaction, reply));
}

function acknowledge(rest: Rest, interaction: Interaction, reply: Reply): void {
  const { type, data } = reply;
  if (type === callbackType.message) reply.message = publish(rest, interaction, data);
  if (type === callbackType.deferred)
    reply.message = botMessage(rest, interaction, { ...data, flags: Number(data["flags"] ?? 0) | loading });
  if (type === callbackType.deferredUpdate) reply.message = interaction.source;
  if (type === callbackType.update && interaction.source) {
    edit(interaction.source, data);
    reply.message = interaction.source;
    rest.events.messageUpdated(interaction.channel, interaction.source);
  }
}

function callbackResponse(interaction: Interaction, reply: Reply): Json {
  const { message, type } = reply;
  const resource = message ? { resource: { type, message } } : {};
  return {
    interaction: {
      id: interaction.id,
      type: interaction.source ? 3 : 2,
      ...(message
        ? { response_message_id: message["id"], response_message_loading: type === callbackType.deferred }
        : {}),
    },
    ...resource,
  };
}

function followUp(rest: Rest, interaction: Interaction, reply: Reply, payload: Json): Answer {
  const problem = contentProblem(payload);
  if (problem) return problem;
  const message = publish(rest, interaction, payload);
  reply.followUps.push(message);
  return json(message);
}

function editOriginal(rest: Rest, interaction: Interaction, reply: Reply, payload: Json): Answer {
  const { message } = reply;
  if (!message) return unknown.message;
  const wasLoading = (Number(message["flags"]) & loading) !== 0;
  edit(message, payload);
  message["flags"] = Number(message["flags"]) & ~loading;
  reply.edits.push({ at: new Date().toISOString(), ...payload });
  if (isEphemeral(message)) return json(message);
  if (wasLoading) rest.world.keepMessage(interaction.channel.id, message);
  if (wasLoading) rest.events.messageCreated(interaction.channel, message);
  else rest.events.messageUpdated(interaction.channel, message);
  return json(message);
}

/** An ephemeral message is seen by one person only, so no event tells of it. */
function publish(rest: Rest, interaction: Interaction, data: Json): Json {
  const message = botMessage(rest, interaction, data);
  if (isEphemeral(message)) return message;
  rest.world.keepMessage(interaction.channel.id, message);
  rest.events.messageCreated(interaction.channel, message);
  return message;
}

function botMessage(rest: Rest, interaction: Interaction, data: Json): Json {
  const message = messageObject(rest.world, interaction.channel, rest.world.bot, data);
  return {
    ...message,
    type: 20,
    application_id: rest.settings.applicationId,
    webhook_id: rest.settings.applicationId,
  };
}

const isEphemeral = (message: Json): boolean => (Number(message["flags"]) & ephemeral) !== 0;

function replied(
  rest: Rest,
  act: (interaction: Interaction, reply: Reply, call: Call) => Answer | Promise<Answer>,
): Handler {
  return (call) => {
    const interaction = rest.interactions.byToken(call.param("token"));
    if (!interaction || call.param("app") !== rest.settings.applicationId) return unknown.webhook;
    return interaction.reply ? act(interaction, interaction.reply, call) : unknown.webhook;
  };
}
