import { createHash } from "node:crypto";
import { readTar, type TarEntry } from "../../lib/read-tar.ts";
import { tarEnd, tarHeader, tarPadding } from "../../lib/write-tar.ts";
import type { Manifest } from "../../policy/backup-manifest.ts";
import { backupError } from "../errors.ts";

/**
 * Several dumps of one server as one tar: nobody knows the length of a dump before its end, so each is a folder of
 * parts, which `tar -xOf <file> <folder>` puts together again. The last entry tells what must have been there: an
 * archive without it is not whole.
 */
const manifestName = "manifest.json";
/** Held in memory one at a time. */
const partBytes = 8 * 1024 * 1024;
const maxManifestBytes = 64 * 1024 * 1024;

export type ArchiveContents = { manifest: Manifest; dumps: readonly DumpedFile[] };

/** `title` says what the dump is of, e.g. the name of a database. */
export type DumpedFile = { folder: string; title: string; sizeBytes: number; sha256: string };

export class DumpArchiveWriter {
  readonly #modifiedAt: number;
  readonly #dumps: DumpedFile[] = [];
  /** Of the archive so far. */
  sizeBytes = 0;

  constructor(modifiedAt: number) {
    this.#modifiedAt = modifiedAt;
  }

  *file(path: string, content: Uint8Array): Generator<Uint8Array> {
    const size = content.byteLength;
    yield this.#count(tarHeader({ path, size, modifiedAt: this.#modifiedAt }));
    if (size > 0) yield this.#count(content);
    const padding = tarPadding(size);
    if (padding.byteLength > 0) yield this.#count(padding);
  }

  async *dump(
    folder: string,
    title: string,
    content: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash("sha256");
    let [held, heldBytes, part, sizeBytes] = [[] as Uint8Array[], 0, 0, 0];
    const path = () => `${folder}/${String(part).padStart(6, "0")}`;
    for await (const chunk of content) {
      hash.update(chunk);
      held.push(chunk);
      heldBytes += chunk.byteLength;
      sizeBytes += chunk.byteLength;
      if (heldBytes < partBytes) continue;
      yield* this.file(path(), Buffer.concat(held));
      [held, heldBytes, part] = [[], 0, part + 1];
    }
    if (heldBytes > 0 || part === 0) yield* this.file(path(), Buffer.concat(held));
    this.#dumps.push({ folder, title, sizeBytes, sha256: hash.digest("hex") });
  }

  *end(manifest: Manifest): Generator<Uint8Array> {
    const contents: ArchiveContents = { manifest, dumps: this.#dumps };
    yield* this.file(manifestName, Buffer.from(`${JSON.stringify(contents, undefined, 2)}\n`));
    yield this.#count(tarEnd());
  }

  #count(piece: Uint8Array): Uint8Array {
    this.sizeBytes += piece.byteLength;
    return piece;
  }
}

/** Called once for each dump, in the order of the archive. What it does not read is read and checked all the same. */
export type OnDump = (folder: string, content: AsyncIterable<Uint8Array>) => Promise<void>;

/**
 * Reads an archive to its end and throws BACKUP_RESTORE_FAILED unless all of it is there, byte for byte. A reader of a
 * dump may so have seen bytes that turn out to be damaged.
 */
export async function readDumpArchive(
  chunks: AsyncIterable<Uint8Array>,
  onDump: OnDump,
): Promise<ArchiveContents> {
  const parts = new PartReader(readTar(chunks, broken));
  const seen = new Map<string, string>();
  for (;;) {
    const folder = await parts.nextFolder();
    if (folder === undefined) break;
    const hash = createHash("sha256");
    const content = hashed(parts.contentOf(folder), hash);
    await onDump(folder, content);
    for await (const _rest of content);
    seen.set(folder, hash.digest("hex"));
  }
  const contents = parts.contents;
  if (contents === undefined) throw broken("it ends before its manifest");
  for (const { folder, sha256 } of contents.dumps)
    if (seen.get(folder) !== sha256) throw broken(`${folder} is not what was written`);
  return contents;
}

type Entries = ReturnType<typeof readTar>;

/** Joins the parts of a dump, and keeps the manifest. */
class PartReader {
  readonly #entries: Entries;
  #ahead: TarEntry | undefined;
  contents: ArchiveContents | undefined;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  async nextFolder(): Promise<string | undefined> {
    for (;;) {
      const entry = await this.#peek();
      if (entry === undefined) return undefined;
      if (entry.path.includes("/")) return folderOf(entry.path);
      this.#ahead = undefined;
      if (entry.path === manifestName) this.contents = await manifestOf(entry);
    }
  }

  async *contentOf(folder: string): AsyncGenerator<Uint8Array, void, undefined> {
    for (let part = 0; ; part += 1) {
      const entry = await this.#peek();
      if (entry === undefined || folderOf(entry.path) !== folder) return;
      if (entry.path !== `${folder}/${String(part).padStart(6, "0")}`)
        throw broken(`a part of ${folder} is missing`);
      this.#ahead = undefined;
      yield* entry.content;
    }
  }

  async #peek(): Promise<TarEntry | undefined> {
    this.#ahead ??= (await this.#entries.next()).value ?? undefined;
    return this.#ahead;
  }
}

/** Goes on to the end although its reader has stopped half-way: what follows must be read too. */
function hashed(
  content: AsyncGenerator<Uint8Array, void, undefined>,
  hash: ReturnType<typeof createHash>,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const found = await content.next();
        if (!found.done) hash.update(found.value);
        return found;
      },
    }),
  };
}

async function manifestOf(entry: TarEntry): Promise<ArchiveContents> {
  if (entry.size > maxManifestBytes) throw broken("its manifest is too long");
  const pieces: Uint8Array[] = [];
  for await (const piece of entry.content) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString("utf8")) as ArchiveContents;
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

function broken(why: string): Error {
  return backupError("BACKUP_RESTORE_FAILED", `the snapshot is not whole: ${why}`);
}
