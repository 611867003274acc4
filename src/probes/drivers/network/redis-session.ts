import type { Socket } from "node:net";
import { openSocket, openTls, type Place } from "./socket.ts";

export type RedisValue = string | number | null | RedisValue[];
export type RedisLogin = { user?: string | undefined; password?: string | undefined };

/** More than INFO ever answers. */
const longestAnswer = 1024 * 1024;

/** An error that the server answered, e.g. `WRONGPASS …`. */
export class RedisRefusal extends Error {}

/** Commands over one connection, one after another: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export class RedisSession {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #waiting: { resolve: (value: RedisValue) => void; reject: (error: unknown) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => this.#waiting?.reject(error));
    socket.on("close", () => this.#waiting?.reject(new Error("the server closed the connection")));
  }

  static async open(
    place: Place & RedisLogin & { tls: boolean; ca?: string | undefined },
    signal: AbortSignal,
  ): Promise<RedisSession> {
    const { tls, ca, user, password } = place;
    const session = new RedisSession(
      tls ? await openTls(place, { ca }, signal) : await openSocket(place, signal),
    );
    try {
      if (password !== undefined)
        await session.ask(["AUTH", ...(user === undefined ? [] : [user]), password]);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  ask(words: readonly string[]): Promise<RedisValue> {
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error("the server closed the connection"));
      this.#waiting = { resolve, reject };
      this.#socket.write(`*${words.length}\r\n${parts.join("")}`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    const waiting = this.#waiting;
    if (!waiting) return;
    try {
      if (this.#received.length > longestAnswer) throw new Error("the answer is too long");
      const found = readValue(this.#received, 0);
      if (!found) return;
      this.#received = this.#received.subarray(found.end);
      this.#waiting = undefined;
      waiting.resolve(found.value);
    } catch (error) {
      waiting.reject(error);
    }
  }
}

type Found = { value: RedisValue; end: number };

/** `undefined`: more has to come. */
function readValue(bytes: Buffer, at: number): Found | undefined {
  const line = bytes.indexOf("\r\n", at);
  if (line < 0) return undefined;
  const kind = String.fromCharCode(bytes[at] ?? 0);
  const text = bytes.toString("utf8", at + 1, line);
  const end = line + 2;
  switch (kind) {
    case "+":
      return { value: text, end };
    case "-":
      throw new RedisRefusal(text);
    case ":":
      return { value: Number(text), end };
    case "$":
      return readBulk(bytes, Number(text), end);
    case "*":
      return readList(bytes, Number(text), end);
    default:
      throw new Error("it does not speak Redis's protocol");
  }
}

function readBulk(bytes: Buffer, length: number, start: number): Found | undefined {
  if (length < 0) return { value: null, end: start };
  const end = start + length + 2;
  return bytes.length < end ? undefined : { value: bytes.toString("utf8", start, end - 2), end };
}

function readList(bytes: Buffer, length: number, start: number): Found | undefined {
  const values: RedisValue[] = [];
  let end = start;
  for (let index = 0; index < length; index += 1) {
    const found = readValue(bytes, end);
    if (!found) return undefined;
    values.push(found.value);
    end = found.end;
  }
  return { value: values, end };
}
