import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import type { Contents, Frame } from "./frame.ts";
import type { OpenPart } from "./open-part.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const mark = "rslogs1\n";
const trailerBytes = 4 + mark.length;

/** What a sealed partition's file name tells, so that most are never opened. */
export type SealedPart = {
  file: string;
  firstSeq: number;
  entries: number;
  minAt: number;
  maxAt: number;
  bytes: number;
};

type Packed = Contents & { packed: readonly { offset: number; length: number }[] };

/**
 * Packs a partition that takes no more lines: its frames compressed one by one, then an index. The plain file goes
 * last, so that a killed process leaves one of them, or both with the same lines.
 */
export async function sealPart(folder: string, part: OpenPart): Promise<SealedPart> {
  const { firstSeq, entries, minAt, maxAt, sources, frames } = part;
  const name = sealedName({ firstSeq, entries, minAt, maxAt });
  const draft = join(folder, `${name}.draft`);
  const out = await open(draft, "w", 0o600);
  let bytes = 0;
  try {
    const packed: { offset: number; length: number }[] = [];
    for (const frame of frames) {
      const data = await compress(part.read(frame));
      packed.push({ offset: bytes, length: data.length });
      await out.writeFile(data);
      bytes += data.length;
    }
    const index = await compress(Buffer.from(JSON.stringify({ sources, frames, packed } satisfies Packed)));
    const trailer = Buffer.alloc(trailerBytes);
    trailer.writeUInt32LE(index.length);
    trailer.write(mark, 4, "latin1");
    await out.writeFile(Buffer.concat([index, trailer]));
    bytes += index.length + trailer.length;
    await out.datasync();
  } finally {
    await out.close();
  }
  await rename(draft, join(folder, name));
  return { file: name, ...{ firstSeq, entries, minAt, maxAt, bytes } };
}

/** A sealed partition while it is searched. */
export class SealedReader {
  readonly #file: FileHandle;
  #packed: Packed | undefined;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** `undefined` when the partition was removed meanwhile. */
  static async open(path: string): Promise<SealedReader | undefined> {
    try {
      return new SealedReader(await open(path, "r"));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  async contents(): Promise<Contents> {
    const { size } = await this.#file.stat();
    const trailer = await this.#bytes(size - trailerBytes, trailerBytes);
    if (trailer.toString("latin1", 4) !== mark) throw new Error("a log partition has no index");
    const length = trailer.readUInt32LE();
    const index = await decompress(await this.#bytes(size - trailerBytes - length, length));
    this.#packed = JSON.parse(index.toString("utf8")) as Packed;
    return this.#packed;
  }

  async read(frame: Frame): Promise<Buffer> {
    const at = this.#packed?.frames.findIndex((other) => other.firstSeq === frame.firstSeq) ?? -1;
    const place = this.#packed?.packed[at];
    return place === undefined ? Buffer.alloc(0) : decompress(await this.#bytes(place.offset, place.length));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #bytes(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await this.#file.read(buffer, 0, length, offset);
    if (bytesRead < length) throw new Error("a log partition is shorter than its index says");
    return buffer;
  }
}

function sealedName(part: Pick<SealedPart, "firstSeq" | "entries" | "minAt" | "maxAt">): string {
  const { firstSeq, entries, minAt, maxAt } = part;
  const [first, ...rest] = [firstSeq, entries, minAt, maxAt].map((value) => value.toString(36));
  return `${first?.padStart(9, "0")}-${rest.join("-")}.sealed`;
}

/** Of a file name, without opening the file; `undefined` for other files. */
export function parseSealedName(file: string, bytes: number): SealedPart | undefined {
  const found = /^([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)\.sealed$/.exec(file);
  if (!found) return undefined;
  const [firstSeq = 0, entries = 0, minAt = 0, maxAt = 0] = found
    .slice(1)
    .map((text) => Number.parseInt(text, 36));
  return { file, firstSeq, entries, minAt, maxAt, bytes };
}

/** Removes a sealed partition; one that is being read stays readable until then. */
export function removeSealed(folder: string, part: SealedPart): Promise<void> {
  return rm(join(folder, part.file), { force: true });
}
