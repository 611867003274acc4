import { randomUUID } from "node:crypto";
import { BadCall, isObject, type Json } from "../shared/call.ts";

export type Completion = { id: string; created: number; model: string; text: string; usage: Json };

/** The answer to a conversation: a pure function of the last user message, so that tests can foresee it. */
export function complete(request: Json, model: string, fixedReply: string): Completion {
  const messages = messagesOf(request);
  const last = messages.findLast((message) => message["role"] === "user");
  const text = cut(fixedReply || `You said: ${last ? textOfMessage(last) : ""}`, request);
  const promptTokens = countTokens(messages.map(textOfMessage).join(" "));
  const completionTokens = countTokens(text);
  return {
    id: `chatcmpl-${randomUUID().replaceAll("-", "")}`,
    created: Math.floor(Date.now() / 1_000),
    model,
    text,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  };
}

export function completionObject({ id, created, model, text, usage }: Completion): Json {
  const message = { role: "assistant", content: text, refusal: null };
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: "stop" }],
    usage,
    system_fingerprint: "fp_stand_in",
  };
}

/** The chunks of a streamed answer, one word each. */
export function chunksOf({ id, created, model, text, usage }: Completion, withUsage: boolean): Json[] {
  const base = { id, object: "chat.completion.chunk", created, model, system_fingerprint: "fp_stand_in" };
  const chunk = (delta: Json, finish_reason: string | null = null): Json => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...(withUsage ? { usage: null } : {}),
  });
  const words = text.match(/\S+\s*|\s+/g) ?? [];
  return [
    chunk({ role: "assistant", content: "" }),
    ...words.map((word) => chunk({ content: word })),
    chunk({}, "stop"),
    ...(withUsage ? [{ ...base, choices: [], usage }] : []),
  ];
}

export function messagesOf(request: Json): Json[] {
  const messages = request["messages"];
  if (!Array.isArray(messages) || messages.length === 0)
    throw new BadCall("Missing required parameter: 'messages'.");
  for (const message of messages)
    if (!isObject(message) || typeof message["role"] !== "string")
      throw new BadCall("Invalid value for 'messages': each needs a role.");
  return messages as Json[];
}

/** Content is a text, or a list of parts of which the texts count. */
function textOfMessage(message: Json): string {
  const { content } = message;
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .filter(isObject)
    .flatMap((part) => (typeof part["text"] === "string" ? part["text"] : []))
    .join(" ");
}

function cut(text: string, request: Json): string {
  const most = Number(request["max_completion_tokens"] ?? request["max_tokens"] ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(most) && most > 0 ? text.split(" ").slice(0, most).join(" ") : text;
}

/** About four characters to a token, as in English text. */
const countTokens = (text: string): number => Math.ceil(text.length / 4);
