import { alertSymbols } from "../policy/alert-text.ts";
import type { Message, MessageItem } from "./port.ts";

/** Receivers refuse longer texts, and nobody reads them. */
const longestItem = 1500;
const mostItems = 20;

/** One line without breaks: the subject of a mail, the first line of a chat message. */
export function headline({ state, severity, title }: Message): string {
  const { symbol, word } = alertSymbols[state === "resolved" ? "resolved" : severity];
  const sign = state === "test" ? "TEST" : `${symbol} ${word}`;
  return clip(`${sign}: ${title}`.replace(/\s+/g, " "), 200);
}

/** `⚠️ WARNING | api | High Memory Usage (85% > 80%) | 12:30:15`, then detail and hint. */
export function lineOf(item: MessageItem): string {
  const { symbol, word } = alertSymbols[item.state === "resolved" ? "resolved" : item.severity];
  const scope = item.scope === undefined ? "" : ` (${item.scope})`;
  return `${symbol} ${word} | ${item.subject}${scope} | ${item.text} | ${clockOf(item.at)}`;
}

export function bodyOf(message: Message): string {
  const shown = message.items.slice(0, mostItems).map((item) => {
    const more = [item.detail, item.state === "resolved" ? undefined : item.hint, item.link];
    return clip([lineOf(item), ...more.filter((line) => line !== undefined)].join("\n"), longestItem);
  });
  const rest = message.items.length - shown.length;
  return [...shown, ...(rest > 0 ? [`… and ${rest} more`] : [])].join("\n\n");
}

/** HH:MM:SS in UTC. */
function clockOf(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}

export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
