import type { WebSocket } from "ws";
import type { Json } from "../shared/call.ts";
import { intent } from "./intents.ts";
import { Session, type Shard } from "./session.ts";

const mostSessions = 500;

/** An event on its way to the sessions: which guild decides the shard, which intents decide who hears it. */
export type GatewayEvent = {
  name: string;
  guildId: string | null;
  /** Any of these bits suffices; 0: no intent needed. */
  intents: number;
  data: Json | ((session: Session) => Json);
};

/** All sessions, living and lost. */
export class Sessions {
  #all: Session[] = [];

  get all(): readonly Session[] {
    return this.#all;
  }

  open(from: { token: string; shard: Shard; intents: number }, socket: WebSocket): Session {
    const session = new Session(from, socket);
    this.#all.push(session);
    if (this.#all.length > mostSessions) {
      const oldest = this.#all.find((known) => !known.live);
      this.#all = this.#all.filter((known) => known !== oldest);
    }
    this.noteOverlap(session);
    return session;
  }

  find(id: string): Session | undefined {
    return this.#all.find((session) => session.id === id);
  }

  /** Two live sessions of one token and shard: every event is handled twice. */
  noteOverlap(session: Session): void {
    const twins = this.#all.filter(
      (other) =>
        other !== session &&
        other.live &&
        other.token === session.token &&
        other.shard[0] === session.shard[0] &&
        other.shard[1] === session.shard[1],
    );
    if (twins.length === 0) return;
    for (const twin of [session, ...twins]) twin.overlap = true;
  }

  dispatch(event: GatewayEvent): void {
    for (const session of this.#all) {
      if (!session.resumable || !concerns(event, session)) continue;
      session.dispatch(event.name, typeof event.data === "function" ? event.data(session) : event.data);
    }
  }

  /** Lost sessions are forgotten; the living ones stay. */
  reset(): void {
    this.#all = this.#all.filter((session) => session.live);
    for (const session of this.#all) session.overlap = false;
  }
}

function concerns(event: GatewayEvent, session: Session): boolean {
  if (event.intents !== 0 && (event.intents & session.intents) === 0) return false;
  return shardOf(event.guildId, session.shard[1]) === session.shard[0];
}

/** Direct messages go to shard 0. */
export function shardOf(guildId: string | null, count: number): number {
  return guildId === null ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(count));
}

/** Without MESSAGE_CONTENT a bot reads only what it wrote, what mentions it, and direct messages. */
export function withContentAllowed(message: Json, session: Session, botId: string): Json {
  if ((session.intents & intent.messageContent) !== 0 || message["guild_id"] === undefined) return message;
  const author = message["author"] as Json | undefined;
  const mentions = message["mentions"] as Json[] | undefined;
  if (author?.["id"] === botId || mentions?.some((user) => user["id"] === botId)) return message;
  return { ...message, content: "", embeds: [], attachments: [], components: [] };
}
