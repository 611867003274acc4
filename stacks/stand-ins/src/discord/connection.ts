import type { RawData, WebSocket } from "ws";
import { isObject, type Json } from "../shared/call.ts";
import type { Faults } from "../shared/faults.ts";
import { accepts } from "../shared/settings.ts";
import type { DiscordFaults } from "./discord-faults.ts";
import { intent, intentsAreValid } from "./intents.ts";
import { botObject, guildCreateObject, memberObject } from "./objects.ts";
import type { Session, Shard } from "./session.ts";
import { type Sessions, shardOf } from "./sessions.ts";
import type { DiscordSettings } from "./settings.ts";
import type { World } from "./world.ts";

export type GatewayContext = {
  settings: DiscordSettings;
  world: World;
  sessions: Sessions;
  faults: Faults<DiscordFaults>;
};

const op = { heartbeat: 1, identify: 2, presence: 3, voice: 4, resume: 6, members: 8 } as const;
// After these the session is gone; after all others a client may RESUME.
const endingCodes = new Set([4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014]);
const mostCommandsPerMinute = 120;

/** One gateway socket: the state machine from HELLO to close. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #host: string;
  readonly #context: GatewayContext;
  readonly #watchdog: NodeJS.Timeout;
  #lastSign = Date.now();
  #closedByUs = false;
  #commands: number[] = [];
  session: Session | undefined;

  constructor(socket: WebSocket, host: string, context: GatewayContext) {
    this.#socket = socket;
    this.#host = host;
    this.#context = context;
    const interval = context.settings.heartbeatIntervalMs;
    this.#watchdog = setInterval(() => this.#checkHeartbeat(), Math.max(20, interval / 4));
    socket.on("message", (data) => this.#receive(data));
    socket.on("close", (code) => this.#closed(code));
    socket.on("error", () => socket.terminate());
    this.send({ op: 10, d: { heartbeat_interval: interval, _trace: [] } });
  }

  send(packet: Json): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(packet));
  }

  close(code: number, reason: string): void {
    this.#closedByUs = true;
    if (this.session && endingCodes.has(code)) this.session.forgotten = true;
    this.#socket.close(code, reason);
    // A client that does not answer the close frame would hold the session open.
    setTimeout(() => this.#socket.terminate(), 2_000).unref();
  }

  invalidate(resumable: boolean): void {
    if (this.session && !resumable) this.session.forgotten = true;
    this.send({ op: 9, d: resumable });
  }

  #receive(data: RawData): void {
    let packet: unknown;
    try {
      packet = JSON.parse(String(data));
    } catch {
      packet = undefined;
    }
    if (!isObject(packet)) this.close(4002, "Decode error");
    else if (!this.#withinRate()) this.close(4008, "Rate limited");
    else this.#obey(packet["op"], isObject(packet["d"]) ? packet["d"] : {});
  }

  #obey(code: unknown, body: Json): void {
    if (code === op.heartbeat) this.#heartbeat();
    else if (code === op.identify) this.#identify(body);
    else if (code === op.resume) this.#resume(body);
    else if (code !== op.presence && code !== op.voice && code !== op.members)
      this.close(4001, "Unknown opcode");
    else if (!this.session) this.close(4003, "Not authenticated");
    else if (code === op.members) this.#sendMembers(this.session, body);
  }

  #withinRate(): boolean {
    const now = Date.now();
    this.#commands = this.#commands.filter((at) => now - at < 60_000);
    this.#commands.push(now);
    return this.#commands.length <= mostCommandsPerMinute;
  }

  #heartbeat(): void {
    this.#lastSign = Date.now();
    if (this.session) {
      this.session.heartbeats += 1;
      this.session.lastHeartbeatAt = new Date();
    }
    if (this.#context.faults.now.ackHeartbeats) this.send({ op: 11 });
  }

  #checkHeartbeat(): void {
    const silentMs = Date.now() - this.#lastSign;
    if (silentMs > this.#context.settings.heartbeatIntervalMs * 1.5) this.close(4009, "Session timed out");
  }

  #identify(body: Json): void {
    const token = this.#acceptedToken(body);
    if (token === undefined) return;
    const shard = parseShard(body["shard"]);
    const intents = body["intents"];
    if (!shard) this.close(4010, "Invalid shard");
    else if (!intentsAreValid(intents)) this.close(4013, "Invalid intents");
    else {
      this.session = this.#context.sessions.open({ token, shard, intents }, this.#socket);
      this.#ready(this.session);
    }
  }

  #acceptedToken(body: Json): string | undefined {
    const token = withoutPrefix(body["token"]);
    if (this.session) this.close(4005, "Already authenticated");
    else if (!accepts(this.#context.settings.tokens, token)) this.close(4004, "Authentication failed");
    else return token;
    return undefined;
  }

  #ready(session: Session): void {
    const { world, settings } = this.#context;
    const guilds = [...world.guilds.values()].filter(
      ({ id }) => shardOf(id, session.shard[1]) === session.shard[0],
    );
    session.dispatch("READY", {
      v: 10,
      user: botObject(world.bot),
      guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
      session_id: session.id,
      resume_gateway_url: settings.gatewayUrl || `ws://${this.#host}/gateway`,
      session_type: "normal",
      shard: session.shard,
      application: { id: settings.applicationId, flags: 0 },
      private_channels: [],
      relationships: [],
      presences: [],
    });
    if ((session.intents & intent.guilds) === 0) return;
    for (const guild of guilds) session.dispatch("GUILD_CREATE", guildCreateObject(world, guild));
  }

  #resume(body: Json): void {
    const token = this.#acceptedToken(body);
    if (token === undefined) return;
    const { sessions } = this.#context;
    const session = sessions.find(String(body["session_id"]));
    const sequence = Number(body["seq"]);
    if (this.#resumeRefused() || !session?.resumable || session.token !== token) {
      if (session) session.forgotten = true;
      this.send({ op: 9, d: false });
    } else if (!Number.isInteger(sequence) || sequence < 0 || sequence > session.sequence) {
      this.close(4007, "Invalid seq");
    } else if (!session.resume(this.#socket, sequence)) {
      session.forgotten = true;
      this.send({ op: 9, d: false });
    } else {
      this.session = session;
      sessions.noteOverlap(session);
    }
  }

  #resumeRefused(): boolean {
    const { faults } = this.#context;
    const left = faults.now.invalidSession;
    if (left > 0) faults.change({ invalidSession: left - 1 });
    return left > 0;
  }

  #sendMembers(session: Session, body: Json): void {
    const { world } = this.#context;
    const guild = world.guilds.get(String(body["guild_id"]));
    if (!guild) return;
    const wanted = body["user_ids"] === undefined ? undefined : [body["user_ids"]].flat().map(String);
    const prefix = String(body["query"] ?? "");
    const members = [...guild.members.values()].filter(({ userId }) =>
      wanted ? wanted.includes(userId) : world.user(userId).username.startsWith(prefix),
    );
    session.dispatch("GUILD_MEMBERS_CHUNK", {
      guild_id: guild.id,
      members: members.map((member) => memberObject(world, member)),
      chunk_index: 0,
      chunk_count: 1,
      not_found: wanted?.filter((id) => !guild.members.has(id)) ?? [],
      ...(body["nonce"] === undefined ? {} : { nonce: body["nonce"] }),
    });
  }

  #closed(code: number): void {
    clearInterval(this.#watchdog);
    if (!this.session) return;
    // The client said goodbye for good.
    if (!this.#closedByUs && (code === 1000 || code === 1001)) this.session.forgotten = true;
    this.session.lost(this.#socket, code);
  }
}

function withoutPrefix(token: unknown): string {
  return typeof token === "string" ? token.replace(/^Bot\s+/i, "") : "";
}

function parseShard(value: unknown): Shard | undefined {
  if (value === undefined) return [0, 1];
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [id, count] = value.map(Number);
  if (id === undefined || count === undefined || !Number.isInteger(id) || !Number.isInteger(count))
    return undefined;
  return id >= 0 && count >= 1 && id < count && count <= 1_000 ? [id, count] : undefined;
}
