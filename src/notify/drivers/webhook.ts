import { createHmac } from "node:crypto";
import type { Clock } from "../../lib/clock.ts";
import type { ChannelTarget, Message, Notifier } from "../port.ts";
import { postJson } from "./post-json.ts";

/**
 * The whole message as JSON. `x-roadstead-signature` is `v1=` and the hex HMAC-SHA256, under the channel's secret, of
 * `<x-roadstead-timestamp>.<body>`: a receiver checks both, and drops what is older than it accepts.
 */
export class WebhookNotifier implements Notifier {
  readonly kind = "webhook";
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async send(target: ChannelTarget, message: Message, signal: AbortSignal): Promise<void> {
    if (target.kind !== "webhook") return;
    const body = JSON.stringify({ version: 1, ...message });
    const timestamp = String(Math.floor(this.#clock.now() / 1000));
    const headers = {
      "x-roadstead-timestamp": timestamp,
      "x-roadstead-signature": `v1=${createHmac("sha256", target.secret).update(`${timestamp}.${body}`).digest("hex")}`,
      "idempotency-key": message.id,
    };
    await postJson(target.url, body, { headers, signal });
  }
}
