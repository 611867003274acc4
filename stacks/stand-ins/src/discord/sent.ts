import { Bounded } from "../shared/bounded.ts";
import type { Json } from "../shared/call.ts";
import type { Channel } from "./world.ts";

/** The messages that the bot has posted to channels. */
export class Sent {
  readonly #all = new Bounded<Json>(1_000);

  add(channel: Channel, message: Json): void {
    this.#all.push({
      at: message["timestamp"],
      id: message["id"],
      channelId: channel.id,
      guildId: channel.guildId,
      content: message["content"],
      embeds: message["embeds"],
      components: message["components"],
    });
  }

  get all(): readonly Json[] {
    return this.#all.all;
  }

  clear(): void {
    this.#all.clear();
  }
}
