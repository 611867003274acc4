import { backupError } from "../errors.ts";

/** Messages of PostgreSQL's protocol, version 3: as much as a replication client needs. */
export type PgMessage = { type: string; body: Buffer };

const maxMessageBytes = 64 * 1024 * 1024;

/** Cuts a stream of bytes into messages. */
export class PgMessages {
  readonly #chunks: AsyncIterable<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks;
  }

  async *read(): AsyncGenerator<PgMessage, void, undefined> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of this.#chunks) {
      rest = rest.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
      while (rest.byteLength >= 5) {
        const length = rest.readInt32BE(1);
        if (length < 4 || length > maxMessageBytes)
          throw backupError(
            "BACKUP_SOURCE_FAILED",
            "what answers at the port does not speak PostgreSQL's protocol",
          );
        if (rest.byteLength < length + 1) break;
        yield { type: String.fromCharCode(rest[0] ?? 0), body: rest.subarray(5, length + 1) };
        rest = rest.subarray(length + 1);
      }
    }
  }
}

/** The first message of a connection. */
export function startUp(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flat();
  const body = Buffer.from(`${pairs.join("\0")}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.byteLength + 8, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}

export function saslWith(mechanism: string, first: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(Buffer.byteLength(first));
  return Buffer.concat([Buffer.from(`${mechanism}\0`), length, Buffer.from(first)]);
}

export function rowOf(body: Buffer): (string | undefined)[] {
  const row: (string | undefined)[] = [];
  let at = 2;
  for (let column = body.readInt16BE(0); column > 0; column -= 1) {
    const length = body.readInt32BE(at);
    at += 4;
    row.push(length < 0 ? undefined : body.subarray(at, at + length).toString("utf8"));
    at += Math.max(0, length);
  }
  return row;
}

/** What a server says in an error. */
export function wordsOf(body: Buffer): string {
  const fields = body.toString("utf8").split("\0");
  const message = fields.find((field) => field.startsWith("M"));
  return message?.slice(1) ?? "an error without words";
}
