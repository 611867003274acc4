const block = 512;
/** Long names and extended headers beyond this are no names any more. */
const maxHeaderBytes = 1024 * 1024;

export type TarEntry = {
  path: string;
  type: "file" | "link" | "other";
  size: number;
  /** The content in pieces; what is not read is skipped. */
  content: AsyncIterable<Uint8Array>;
};

/**
 * The entries of a tar archive in its order (ustar, GNU long names, pax paths), with nothing held but one piece.
 * `broken` makes the error of the caller's own kind.
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  broken: (why: string) => Error,
): AsyncGenerator<TarEntry, void, undefined> {
  const source = new ByteSource(chunks, broken);
  let longName: string | undefined;
  let pax: ReadonlyMap<string, string> = new Map();
  for (;;) {
    const header = await source.exactly(block);
    if (header === undefined || header.every((byte) => byte === 0)) return;
    const size = Number(pax.get("size") ?? sizeOf(header));
    if (!Number.isSafeInteger(size) || size < 0) throw broken("an entry has no size");
    const flag = String.fromCharCode(header[156] ?? 0);
    const padded = Math.ceil(size / block) * block;
    if (flag === "L" || flag === "x" || flag === "g") {
      if (size > maxHeaderBytes) throw broken("an entry's name is too long");
      const body = (await source.exactly(padded))?.subarray(0, size) ?? new Uint8Array();
      if (flag === "L") longName = cText(body);
      if (flag === "x") pax = paxOf(Buffer.from(body));
      continue;
    }
    const path = (pax.get("path") ?? longName ?? nameOf(header)).replace(/^(?:\.?\/)+/, "");
    longName = undefined;
    pax = new Map();
    const type = flag === "0" || flag === "\0" ? "file" : flag === "1" || flag === "2" ? "link" : "other";
    const reader = source.limited(size);
    yield { path, type, size, content: reader };
    await source.skip(padded - size + reader.left());
  }
}

type Limited = AsyncIterable<Uint8Array> & { left: () => number };

/** Bytes in pieces of any length, read in lengths that the reader wants. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  readonly #broken: (why: string) => Error;

  constructor(chunks: AsyncIterable<Uint8Array>, broken: (why: string) => Error) {
    this.#broken = broken;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Undefined at the end. */
  async #some(most: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async exactly(length: number): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const piece = await this.#some(missing);
      if (piece === undefined) {
        if (missing === length) return undefined;
        throw this.#broken("the archive ends in the middle of an entry");
      }
      pieces.push(piece);
      missing -= piece.length;
    }
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  async skip(length: number): Promise<void> {
    let missing = length;
    while (missing > 0) {
      const piece = await this.#some(missing);
      if (piece === undefined) throw this.#broken("the archive ends in the middle of an entry");
      missing -= piece.length;
    }
  }

  limited(length: number): Limited {
    let left = length;
    const broken = this.#broken;
    const some = (most: number) => this.#some(most);
    return {
      left: () => left,
      async *[Symbol.asyncIterator]() {
        while (left > 0) {
          const piece = await some(left);
          if (piece === undefined) throw broken("the archive ends in the middle of an entry");
          left -= piece.length;
          yield piece;
        }
      },
    };
  }
}

function nameOf(header: Uint8Array): string {
  const name = cText(header.subarray(0, 100));
  const isUstar = cText(header.subarray(257, 262)) === "ustar";
  const prefix = isUstar ? cText(header.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Octal digits, or for large files GNU's base 256. */
function sizeOf(header: Uint8Array): number {
  const field = header.subarray(124, 136);
  if (((field[0] ?? 0) & 0x80) === 0) return Number.parseInt(cText(field).trim() || "0", 8);
  return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
}

function cText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString("utf8");
}

/** Records of `<length> <key>=<value>\n`. */
function paxOf(body: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(body.toString("latin1", at, space));
    if (!Number.isSafeInteger(length) || length <= 0) break;
    const record = body.toString("utf8", space + 1, at + length - 1);
    const equals = record.indexOf("=");
    if (equals > 0) found.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return found;
}
