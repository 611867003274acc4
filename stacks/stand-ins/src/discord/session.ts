import { randomBytes } from "node:crypto";
import type { WebSocket } from "ws";
import { Bounded } from "../shared/bounded.ts";
import type { Json } from "../shared/call.ts";

export type Packet = { op: 0; t: string; s: number; d: Json };
export type Shard = readonly [id: number, count: number];

const mostKeptEvents = 1_000;
export const resumableForMs = 60_000;

/** One identified bot session: it outlives its socket, so that RESUME can bring back what was missed. */
export class Session {
  readonly id = randomBytes(16).toString("hex");
  readonly token: string;
  readonly shard: Shard;
  readonly intents: number;
  readonly identifiedAt = new Date();
  readonly resumedAt: Date[] = [];
  closedAt: Date | undefined;
  closeCode: number | undefined;
  overlap = false;
  heartbeats = 0;
  lastHeartbeatAt: Date | undefined;
  forgotten = false;
  #socket: WebSocket | undefined;
  #sequence = 0;
  readonly #events = new Bounded<Packet>(mostKeptEvents);

  constructor(from: { token: string; shard: Shard; intents: number }, socket: WebSocket) {
    this.token = from.token;
    this.shard = from.shard;
    this.intents = from.intents;
    this.#socket = socket;
  }

  get socket(): WebSocket | undefined {
    return this.#socket;
  }

  /** A socket that has begun to close counts as gone: the bot has let go of it. */
  get live(): boolean {
    return this.#socket !== undefined && this.#socket.readyState === this.#socket.OPEN;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get resumable(): boolean {
    if (this.forgotten) return false;
    return !this.closedAt || Date.now() - this.closedAt.getTime() < resumableForMs;
  }

  dispatch(event: string, data: Json): void {
    this.#sequence += 1;
    const packet: Packet = { op: 0, t: event, s: this.#sequence, d: data };
    this.#events.push(packet);
    if (this.live) this.#socket?.send(JSON.stringify(packet));
  }

  /** False when the events after `sequence` are no longer all kept. */
  resume(socket: WebSocket, sequence: number): boolean {
    const missed = this.#events.all.filter((packet) => packet.s > sequence);
    if (missed.length !== this.#sequence - sequence) return false;
    const former = this.#socket;
    this.#socket = socket;
    if (former && former !== socket && former.readyState === former.OPEN)
      former.close(4000, "Resumed elsewhere");
    this.closedAt = undefined;
    this.closeCode = undefined;
    this.resumedAt.push(new Date());
    for (const packet of missed) socket.send(JSON.stringify(packet));
    this.dispatch("RESUMED", {});
    return true;
  }

  lost(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.closedAt = new Date();
    this.closeCode = code;
  }

  describe(): Json {
    return {
      sessionId: this.id,
      token: this.token.slice(-4),
      shard: this.shard,
      intents: this.intents,
      identifiedAt: this.identifiedAt.toISOString(),
      resumedAt: this.resumedAt.map((at) => at.toISOString()),
      resumes: this.resumedAt.length,
      closedAt: this.closedAt?.toISOString() ?? null,
      closeCode: this.closeCode ?? null,
      live: this.live,
      overlap: this.overlap,
      heartbeats: this.heartbeats,
      lastHeartbeatAt: this.lastHeartbeatAt?.toISOString() ?? null,
      lastSequence: this.#sequence,
    };
  }
}
