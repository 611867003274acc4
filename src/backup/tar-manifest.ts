import { createHash, type Hash } from "node:crypto";
import type { Manifest } from "../policy/backup-manifest.ts";
import { backupError } from "./errors.ts";

const block = 512;
/** A longer name or extended header is no file of anybody. */
const maxHeaderBytes = 1024 * 1024;
const modulus = 2n ** 256n;

type Entry = { name: string; type: string; size: number; mode: string; owner: string; link: string };

/**
 * Counts and digests the files of a tar stream while it passes by: nothing is kept but one entry's header. The digest
 * is a sum over the entries, so it is the same in whatever order a file system lists them. Times stay out: a restored
 * folder is as good with others.
 */
export class TarManifest {
  #pending: Buffer = Buffer.alloc(0);
  #entry: Entry | undefined;
  #left = 0;
  #padding = 0;
  #hash: Hash = createHash("sha256");
  #header: Buffer[] = [];
  #extended: Record<string, string> = {};
  #sum = 0n;
  #files = 0;
  #bytes = 0;
  #ended = false;

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.byteLength;
    const piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let rest = this.#pending.byteLength === 0 ? piece : Buffer.concat([this.#pending, piece]);
    while (rest.byteLength > 0 && !this.#ended) {
      const used = this.#left > 0 ? this.#content(rest) : this.#next(rest);
      if (used === 0) break;
      rest = rest.subarray(used);
    }
    this.#pending = this.#ended ? Buffer.alloc(0) : Buffer.from(rest);
  }

  /** Throws when the archive did not come to its own end. */
  finish(name: string, takenAt: number): Manifest {
    if (!this.#ended)
      throw backupError(
        "BACKUP_SOURCE_FAILED",
        `the archive of ${name} breaks off after ${this.#bytes} bytes`,
      );
    const checksum = this.#sum.toString(16).padStart(64, "0");
    return {
      engine: "tar",
      takenAt,
      sizeBytes: this.#bytes,
      parts: [{ name, rows: this.#files, checksum }],
    };
  }

  #next(rest: Buffer): number {
    if (this.#padding > 0) {
      const skipped = Math.min(this.#padding, rest.byteLength);
      this.#padding -= skipped;
      return skipped;
    }
    if (rest.byteLength < block) return 0;
    const header = rest.subarray(0, block);
    if (header.every((byte) => byte === 0)) this.#ended = true;
    else this.#begin(header);
    return block;
  }

  #begin(header: Buffer): void {
    checkSum(header);
    const type = String.fromCharCode(header[156] ?? 0).replace("\0", "0");
    const prefix = text(header, 345, 155);
    const short = text(header, 0, 100);
    const extended = this.#extended;
    const size = Number(extended["size"] ?? number(header, 124, 12));
    this.#entry = {
      type,
      size,
      name: extended["path"] ?? (prefix === "" ? short : `${prefix}/${short}`),
      link: extended["linkpath"] ?? text(header, 157, 100),
      mode: text(header, 100, 8),
      owner: `${extended["uid"] ?? number(header, 108, 8)}:${extended["gid"] ?? number(header, 116, 8)}`,
    };
    this.#left = holdsContent(type) ? size : 0;
    this.#padding = holdsContent(type) ? (block - (size % block)) % block : 0;
    this.#hash = createHash("sha256");
    this.#header = [];
    if (isHeader(type) && size > maxHeaderBytes)
      throw backupError("BACKUP_SOURCE_FAILED", `the archive has a header of ${size} bytes`);
    if (this.#left === 0) this.#end();
  }

  #content(rest: Buffer): number {
    const part = rest.subarray(0, Math.min(this.#left, rest.byteLength));
    if (this.#entry && isHeader(this.#entry.type)) this.#header.push(Buffer.from(part));
    else this.#hash.update(part);
    this.#left -= part.byteLength;
    if (this.#left === 0) this.#end();
    return part.byteLength;
  }

  #end(): void {
    const entry = this.#entry;
    if (!entry) return;
    if (isHeader(entry.type)) {
      this.#extend(entry.type, Buffer.concat(this.#header));
      return;
    }
    this.#extended = {};
    const words = [normal(entry.name), entry.type, entry.mode, entry.owner, entry.link, String(entry.size)];
    const digest = createHash("sha256")
      .update(JSON.stringify([...words, this.#hash.digest("hex")]))
      .digest("hex");
    this.#sum = (this.#sum + BigInt(`0x${digest}`)) % modulus;
    if (entry.type !== "5") this.#files += 1;
  }

  /** `x`: `<length> <key>=<value>\n` records; `L` and `K`: a long name or link target of GNU tar. */
  #extend(type: string, content: Buffer): void {
    if (type === "L") this.#extended["path"] = content.toString("utf8").replace(/\0+$/, "");
    if (type === "K") this.#extended["linkpath"] = content.toString("utf8").replace(/\0+$/, "");
    for (let at = 0; type === "x" && at < content.byteLength; ) {
      const space = content.indexOf(" ", at);
      const length = Number(content.subarray(at, space).toString("latin1"));
      if (space < 0 || !(length > 0)) break;
      const record = content.subarray(space + 1, at + length - 1).toString("utf8");
      const equals = record.indexOf("=");
      this.#extended[record.slice(0, equals)] = record.slice(equals + 1);
      at += length;
    }
  }
}

/** Passes the stream on, and knows its manifest at the end. */
export function withTarManifest(
  content: AsyncIterable<Uint8Array>,
  name: string,
  takenAt: number,
): { content: AsyncIterable<Uint8Array>; manifest: () => Promise<Manifest> } {
  const counted = new TarManifest();
  const passing = async function* () {
    for await (const chunk of content) {
      counted.push(chunk);
      yield chunk;
    }
  };
  return { content: passing(), manifest: async () => counted.finish(name, takenAt) };
}

function isHeader(type: string): boolean {
  return type === "x" || type === "g" || type === "L" || type === "K";
}

/** Links, folders, devices and pipes have none, whatever their size says. */
function holdsContent(type: string): boolean {
  return type === "0" || type === "7" || isHeader(type);
}

function normal(name: string): string {
  return name.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
}

function text(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString("utf8");
}

/** Octal, or with the first bit set big-endian binary (GNU). */
function number(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) === 0) return Number.parseInt(text(header, at, length).trim() || "0", 8);
  return field.subarray(1).reduce((value, byte) => value * 256 + byte, (field[0] ?? 0) & 0x7f);
}

function checkSum(header: Buffer): void {
  const written = number(header, 148, 8);
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (sum !== written) throw backupError("BACKUP_SOURCE_FAILED", "the archive is no tar archive here");
}
