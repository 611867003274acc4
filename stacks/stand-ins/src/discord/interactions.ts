import { randomBytes } from "node:crypto";
import { Bounded } from "../shared/bounded.ts";
import type { Json } from "../shared/call.ts";
import { newSnowflake } from "./snowflake.ts";
import type { Channel } from "./world.ts";

export type Interaction = {
  id: string;
  token: string;
  command: string;
  channel: Channel;
  createdAt: number;
  /** The message on which a button was pressed. */
  source: Json | undefined;
  reply: Reply | undefined;
};

export type Reply = {
  at: string;
  type: number;
  data: Json;
  message: Json | undefined;
  followUps: Json[];
  edits: Json[];
};

const tokenLivesMs = 15 * 60_000;

/** The interactions that were sent out, and what came back. */
export class Interactions {
  readonly #all = new Bounded<Interaction>(1_000);

  create(command: string, channel: Channel, source?: Json): Interaction {
    const interaction = {
      id: newSnowflake(),
      token: randomBytes(36).toString("hex"),
      command,
      channel,
      createdAt: Date.now(),
      source,
      reply: undefined,
    };
    this.#all.push(interaction);
    return interaction;
  }

  find(id: string, token: string): Interaction | undefined {
    return this.#all.all.find((one) => one.id === id && one.token === token);
  }

  /** By token alone, as long as it is good. */
  byToken(token: string): Interaction | undefined {
    return this.#all.all.find((one) => one.token === token && Date.now() - one.createdAt < tokenLivesMs);
  }

  describe(): Json[] {
    return this.#all.all.flatMap(({ id, command, reply }) => {
      if (!reply) return [];
      const { at, type, data, message, followUps, edits } = reply;
      const content = message?.["content"] ?? data["content"] ?? "";
      return [{ at, interactionId: id, command, type, content, data, followUps, edits }];
    });
  }

  reset(): void {
    this.#all.clear();
  }
}
