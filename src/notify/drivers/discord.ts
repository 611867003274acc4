import { bodyOf, clip, headline } from "../message-text.ts";
import type { ChannelTarget, Message, Notifier } from "../port.ts";
import { postJson } from "./post-json.ts";

const colours = { info: 0x3b82f6, warning: 0xf59e0b, critical: 0xdc2626, resolved: 0x16a34a };
const longest = 4000;

/** A webhook of a Discord channel. */
export class DiscordNotifier implements Notifier {
  readonly kind = "discord";

  async send(target: ChannelTarget, message: Message, signal: AbortSignal): Promise<void> {
    if (target.kind !== "discord") return;
    const embed = {
      title: clip(headline(message), 250),
      description: clip(bodyOf(message), longest),
      color: colours[message.state === "resolved" ? "resolved" : message.severity],
      timestamp: new Date(message.at).toISOString(),
      footer: { text: message.id },
    };
    // What a service printed must not be able to call everybody.
    const body = { username: "Roadstead", embeds: [embed], allowed_mentions: { parse: [] } };
    await postJson(target.url, JSON.stringify(body), { signal });
  }
}
