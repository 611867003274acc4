import { backupError } from "../errors.ts";
import type { DatabasePlace, ToolRun } from "./database-place.ts";
import { type Lsn, lsnOf, textOfLsn } from "./lsn.ts";
import { type PgMessage, PgMessages, rowOf, saslWith, startUp, wordsOf } from "./pg-wire.ts";
import { ScramClient } from "./scram.ts";

/** A piece of the log, from `at` on. */
export type LogPiece =
  | { kind: "data"; at: Lsn; bytes: Uint8Array; serverTime: number }
  | { kind: "alive"; end: Lsn; serverTime: number; asks: boolean };

export type SystemIdentity = { system: string; timeline: number; end: Lsn };

/**
 * From standard input to the server's port inside the container, where an unmodified image lets its own account copy the
 * log: without a tool that the image may lack, and without files that would fill its disk.
 */
const relay = `exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 9; dd bs=65536 >&3 <&0 2>/dev/null & exec dd bs=65536 <&3 2>/dev/null`;
/** Microseconds between 1970 and 2000, where PostgreSQL's time begins. */
const epochOffsetMs = 946_684_800_000;

/** One replication connection to a server, through the place's own exec. */
export class ReplicationClient {
  readonly #run: ToolRun;
  readonly #input = new Output();
  readonly #messages: AsyncGenerator<PgMessage, void, undefined>;
  readonly #stop = new AbortController();
  readonly #name: string;

  private constructor(place: DatabasePlace, port: number, signal: AbortSignal) {
    this.#name = place.name;
    const whole = AbortSignal.any([signal, this.#stop.signal]);
    this.#run = place.start(["bash", "-c", relay, "bash", String(port)], { stdin: this.#input }, whole);
    this.#run.exitCode.catch(() => undefined);
    this.#messages = new PgMessages(this.#run.stdout).read();
  }

  static async open(
    place: DatabasePlace,
    login: { user: string; password?: string; port: number },
    signal: AbortSignal,
  ): Promise<ReplicationClient> {
    const client = new ReplicationClient(place, login.port, signal);
    try {
      await client.#signIn(login);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  async identify(): Promise<SystemIdentity> {
    const [row] = await this.#command("IDENTIFY_SYSTEM");
    const [system = "", timeline = "1", end = "0/0"] = row ?? [];
    return { system, timeline: Number(timeline), end: lsnOf(end) };
  }

  /** The log as it is written, without an end. `confirm` tells the server what need not be kept any more. */
  async *stream(slot: string, from: Lsn, timeline: number): AsyncGenerator<LogPiece, void, undefined> {
    this.#send(
      "Q",
      text(`START_REPLICATION SLOT "${slot}" PHYSICAL ${textOfLsn(from)} TIMELINE ${timeline}`),
    );
    for (;;) {
      const message = await this.#next();
      if (message.type === "E") throw this.#failed(wordsOf(message.body));
      if (message.type !== "d") continue;
      const piece = pieceOf(message.body);
      if (piece) yield piece;
    }
  }

  /** Tells what is kept here, and asks for a word in return. */
  confirm(upTo: Lsn, now: number): void {
    const body = Buffer.alloc(34);
    body.write("r", 0);
    for (const at of [1, 9, 17]) body.writeBigUInt64BE(upTo, at);
    body.writeBigInt64BE(BigInt(now - epochOffsetMs) * 1000n, 25);
    body[33] = 1;
    this.#send("d", body);
  }

  close(): void {
    this.#input.end();
    this.#stop.abort(new Error("the connection was closed"));
  }

  async #signIn({ user, password }: { user: string; password?: string }): Promise<void> {
    this.#input.push(startUp({ user, replication: "true", application_name: "roadstead" }));
    const scram = new ScramClient(password ?? "");
    for (;;) {
      const { type, body } = await this.#next();
      if (type === "E") throw this.#failed(wordsOf(body));
      if (type === "Z") return;
      if (type !== "R") continue;
      const kind = body.readInt32BE(0);
      if (kind === 10) this.#send("p", saslWith("SCRAM-SHA-256", scram.first));
      else if (kind === 11) this.#send("p", Buffer.from(scram.final(body.subarray(4).toString("utf8"))));
      else if (kind !== 0 && kind !== 12)
        throw this.#failed("it wants a way of signing in that is neither trust nor SCRAM-SHA-256");
    }
  }

  async #command(sql: string): Promise<(string | undefined)[][]> {
    this.#send("Q", text(sql));
    const rows: (string | undefined)[][] = [];
    let failure: string | undefined;
    for (;;) {
      const { type, body } = await this.#next();
      if (type === "D") rows.push(rowOf(body));
      if (type === "E") failure = wordsOf(body);
      if (type !== "Z") continue;
      if (failure !== undefined) throw this.#failed(failure);
      return rows;
    }
  }

  async #next(): Promise<PgMessage> {
    const { value, done } = await this.#messages.next();
    if (!done) return value;
    throw this.#failed(this.#run.complaint().trim().slice(0, 300) || "it closed the connection");
  }

  #send(type: string, body: Uint8Array): void {
    const head = Buffer.alloc(5);
    head.write(type, 0);
    head.writeInt32BE(body.byteLength + 4, 1);
    this.#input.push(Buffer.concat([head, body]));
  }

  #failed(words: string): Error {
    return backupError("BACKUP_SOURCE_FAILED", `the log of ${this.#name} cannot be followed: ${words}`, {
      hint: "Its account must be allowed to replicate from 127.0.0.1, as in the official images; wal_level must be replica.",
    });
  }
}

function text(sql: string): Buffer {
  return Buffer.from(`${sql}\0`);
}

function pieceOf(body: Buffer): LogPiece | undefined {
  const timeAt = (at: number) => Number(body.readBigInt64BE(at) / 1000n) + epochOffsetMs;
  const kind = String.fromCharCode(body[0] ?? 0);
  if (kind === "w")
    return { kind: "data", at: body.readBigUInt64BE(1), bytes: body.subarray(25), serverTime: timeAt(17) };
  if (kind === "k")
    return { kind: "alive", end: body.readBigUInt64BE(1), serverTime: timeAt(9), asks: body[17] === 1 };
  return undefined;
}

/** What is sent, piece by piece. */
class Output implements AsyncIterable<Uint8Array> {
  readonly #waiting: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const bytes = this.#waiting.shift();
      if (bytes !== undefined) yield bytes;
      else if (this.#ended) return;
      else
        await new Promise<void>((go) => {
          this.#wake = go;
        });
    }
  }
}
