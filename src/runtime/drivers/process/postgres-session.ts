import { connect, type Socket } from "node:net";
import { PlatformError } from "../../../lib/platform-error.ts";

/** The first message of a client, protocol 3.0: https://www.postgresql.org/docs/17/protocol-message-formats.html */
export function startupMessage(user: string, database: string): Buffer {
  const parameters = ["user", user, "database", database, "application_name", "roadstead", ""];
  const body = Buffer.from(`${parameters.slice(0, -1).join("\0")}\0\0`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8, 0);
  head.writeUInt32BE(3 << 16, 4);
  return Buffer.concat([head, body]);
}

/**
 * A client for set-up only: simple queries over a Unix socket that trusts us, no results. What a fresh server needs
 * before its first start, without a psql on the machine.
 */
export class PostgresSession {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #error: string | undefined;
  #waiting: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => this.#waiting?.reject(error));
    socket.on("close", () => this.#waiting?.reject(new Error("the server closed the connection")));
  }

  static async open(
    path: string,
    options: { user: string; database: string; timeoutMs: number },
  ): Promise<PostgresSession> {
    const session = new PostgresSession(connect({ path }));
    session.#socket.setTimeout(options.timeoutMs, () => session.#socket.destroy());
    await session.#send(startupMessage(options.user, options.database));
    return session;
  }

  /** One statement. A failure carries the server's own message. */
  async query(statement: string): Promise<void> {
    const body = Buffer.from(`${statement}\0`);
    const head = Buffer.alloc(5);
    head.write("Q");
    head.writeUInt32BE(body.length + 4, 1);
    await this.#send(Buffer.concat([head, body]));
  }

  close(): void {
    this.#socket.end(Buffer.from([0x58, 0, 0, 0, 4]));
  }

  #send(message: Buffer): Promise<void> {
    this.#error = undefined;
    return new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(message);
    });
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 5) {
      const length = this.#received.readUInt32BE(1) + 1;
      if (this.#received.length < length) return;
      const body = this.#received.subarray(5, length).toString("utf8");
      const kind = String.fromCharCode(this.#received[0] ?? 0);
      this.#received = this.#received.subarray(length);
      if (kind === "E") this.#error = /(?:^|\0)M([^\0]*)/.exec(body)?.[1] ?? "unknown error";
      // COPY FROM STDIN has no input here: CopyFail ends it instead of waiting for ever.
      if (kind === "G") this.#socket.write(Buffer.from([0x66, 0, 0, 0, 5, 0]));
      if (kind !== "Z") continue;
      const { resolve, reject } = this.#waiting ?? {};
      if (this.#error === undefined) resolve?.();
      else reject?.(new PlatformError("POSTGRES_SETUP_FAILED", this.#error));
    }
  }
}
