import type { Server as HttpServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Server, type Socket } from "socket.io";
import { z } from "zod";
import type { AccessTokens, Person } from "../auth/access-tokens.ts";
import type { RefreshFamilies } from "../auth/refresh-families.ts";
import { personOf } from "../auth/require-person.ts";
import { dealFor } from "../deals/journal.ts";
import type { Database } from "../platform/database.ts";
import { HttpError } from "../platform/http-error.ts";
import { log } from "../platform/log.ts";
import { enforce } from "../platform/rate-limit.ts";
import type { Redis } from "../platform/redis.ts";
import { newMessage, storeMessage } from "./messages.ts";

export type ChatParts = {
  database: Database;
  redis: Redis;
  tokens: AccessTokens;
  families: RefreshFamilies;
  version: string;
};
type Answer = (answer: Record<string, unknown>) => void;
type Connected = Socket & { data: { person: Person } };

const joinSchema = z.object({ deal: z.string().min(1).max(100) });
const perSender = { name: "message", most: 60, windowMs: 10_000 };

/**
 * Chat over Socket.IO: one room per deal, the same on every replica by Redis pub/sub. A message is acknowledged once
 * MongoDB has it, so an acknowledged message outlives every connection, replica and deploy.
 */
export class Chat {
  readonly #io: Server;
  readonly #parts: ChatParts;

  constructor(server: HttpServer, parts: ChatParts, pubSub: readonly [Redis, Redis]) {
    this.#parts = parts;
    this.#io = new Server(server, {
      adapter: createAdapter(...pubSub, { requestsTimeout: 2_000 }),
      maxHttpBufferSize: 64 * 1024,
      pingInterval: 10_000,
      pingTimeout: 10_000,
      serveClient: false,
    });
    this.#io.use((socket, next) => this.#admit(socket).then(() => next(), next));
    this.#io.on("connection", (socket) => this.#serve(socket as Connected));
  }

  /** To everyone who has the deal open, on all replicas. */
  tell(deal: string, event: string, payload: object): void {
    this.#io.to(room(deal)).emit(event, payload);
  }

  /** Ends every connection of this replica; clients connect again, to another one. */
  async close(): Promise<void> {
    await this.#io.close();
  }

  async #admit(socket: Socket): Promise<void> {
    const token: unknown = socket.handshake.auth["token"];
    const person = await personOf(typeof token === "string" ? token : undefined, this.#parts);
    if (!person) throw new Error("UNAUTHORIZED");
    (socket as Connected).data.person = person;
  }

  #serve(socket: Connected): void {
    const { person } = socket.data;
    const expiry = setTimeout(() => socket.disconnect(true), Math.max(0, person.expiresAt - Date.now()));
    socket.emit("welcome", { version: this.#parts.version });
    socket.on("join", (input, answer) => this.#answer(answer, () => this.#join(socket, input)));
    socket.on("message", (input, answer) => this.#answer(answer, () => this.#message(socket, input)));
    socket.on("disconnecting", () => {
      clearTimeout(expiry);
      for (const name of socket.rooms)
        if (name.startsWith("deal:")) void this.#presence(name.slice("deal:".length), socket.id);
    });
  }

  async #join(socket: Connected, input: unknown) {
    const { deal } = joinSchema.parse(input);
    await dealFor(this.#parts.database, deal, socket.data.person);
    await socket.join(room(deal));
    const latest = await this.#parts.database.messages
      .find({ deal })
      .sort({ sentAt: -1 })
      .limit(200)
      .toArray();
    await this.#presence(deal);
    return { messages: latest.reverse() };
  }

  async #message(socket: Connected, input: unknown) {
    const wanted = newMessage.parse(input);
    const { person } = socket.data;
    await enforce(this.#parts.redis, perSender, person.id);
    await dealFor(this.#parts.database, wanted.deal, person);
    const { message, isNew } = await storeMessage(this.#parts.database, person, wanted);
    if (isNew) this.tell(wanted.deal, "message", message);
    return { message };
  }

  /** Who is here, counted over all replicas. */
  async #presence(deal: string, leaving?: string): Promise<void> {
    try {
      const sockets = await this.#io.in(room(deal)).fetchSockets();
      const people = sockets
        .filter(({ id }) => id !== leaving)
        .map(({ data }) => (data as { person: Person }).person)
        .map(({ id, name }) => [id, name] as const);
      this.tell(deal, "presence", { deal, people: [...new Map(people)].map(([id, name]) => ({ id, name })) });
    } catch (error) {
      // A replica that is just ending does not answer; the next change tells it right.
      log("presence.unknown", { message: error instanceof Error ? error.message : String(error) });
    }
  }

  async #answer(answer: unknown, work: () => Promise<Record<string, unknown>>): Promise<void> {
    const reply: Answer = typeof answer === "function" ? (answer as Answer) : () => undefined;
    try {
      reply({ ok: true, ...(await work()) });
    } catch (error) {
      if (error instanceof HttpError) reply({ ok: false, error: error.code, message: error.message });
      else if (error instanceof z.ZodError) reply({ ok: false, error: "INVALID", message: "not understood" });
      else {
        log("socket.failed", { message: error instanceof Error ? error.message : String(error) });
        reply({ ok: false, error: "FAILED", message: "not done; send it again" });
      }
    }
  }
}

const room = (deal: string) => `deal:${deal}`;
