import { bodyOf, clip, headline } from "../message-text.ts";
import type { ChannelTarget, Message, Notifier } from "../port.ts";
import { postJson } from "./post-json.ts";

const colours = { info: "#3b82f6", warning: "#f59e0b", critical: "#dc2626", resolved: "#16a34a" };
const longest = 3900;

/** An incoming webhook of Slack, or of what speaks its language (Mattermost, Rocket.Chat). */
export class SlackNotifier implements Notifier {
  readonly kind = "slack";

  async send(target: ChannelTarget, message: Message, signal: AbortSignal): Promise<void> {
    if (target.kind !== "slack") return;
    const body = {
      text: escaped(headline(message)),
      attachments: [
        {
          color: colours[message.state === "resolved" ? "resolved" : message.severity],
          text: escaped(clip(bodyOf(message), longest)),
          footer: message.id,
          ts: Math.floor(message.at / 1000),
        },
      ],
    };
    await postJson(target.url, JSON.stringify(body), { signal });
  }
}

/** So that `<!channel>` in a message stays a text. */
function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
