import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Lsn, logFileOf, startOfLogFile } from "../backup/sources/lsn.ts";

const logName = /^[0-9A-F]{24}$/;

/** The log of one server, as files that the server itself would have written; the last one grows. */
export class LogFolder {
  readonly folder: string;
  readonly fileBytes: number;
  readonly #timeline: number;
  #open: { name: string; file: FileHandle } | undefined;
  #written: Lsn | undefined;

  constructor(folder: string, of: { timeline: number; fileBytes: number }) {
    this.folder = folder;
    this.#timeline = of.timeline;
    this.fileBytes = of.fileBytes;
  }

  async files(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => logName.test(name)).sort();
  }

  /** Where to go on: at the beginning of the last file, whose end may not have reached the disk. */
  async resumeAt(): Promise<Lsn | undefined> {
    const last = (await this.files()).at(-1);
    return last === undefined ? undefined : startOfLogFile(last, this.fileBytes);
  }

  async write(at: Lsn, bytes: Uint8Array): Promise<void> {
    let [from, rest] = [at, bytes];
    while (rest.byteLength > 0) {
      const offset = Number(from % BigInt(this.fileBytes));
      const part = rest.subarray(0, this.fileBytes - offset);
      const file = await this.#file(logFileOf(from, this.#timeline, this.fileBytes));
      await file.write(part, 0, part.byteLength, offset);
      from += BigInt(part.byteLength);
      rest = rest.subarray(part.byteLength);
    }
    this.#written = from;
  }

  /** Makes what was written durable, and says up to where. */
  async sync(): Promise<Lsn | undefined> {
    const upTo = this.#written;
    await this.#open?.file.datasync();
    return upTo;
  }

  async close(): Promise<void> {
    await this.#open?.file.close();
    this.#open = undefined;
  }

  /** Removes files that end before this place. */
  async prune(before: Lsn): Promise<void> {
    const first = logFileOf(before, this.#timeline, this.fileBytes);
    for (const name of await this.files())
      if (name < first) await rm(join(this.folder, name), { force: true });
  }

  async sizeBytes(): Promise<number> {
    let sum = 0;
    for (const name of await this.files()) sum += (await stat(join(this.folder, name))).size;
    return sum;
  }

  async #file(name: string): Promise<FileHandle> {
    if (this.#open?.name === name) return this.#open.file;
    await this.#open?.file.datasync();
    await this.close();
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const path = join(this.folder, name);
    const file = await open(path, "r+").catch(() => open(path, "w+", 0o600));
    this.#open = { name, file };
    return file;
  }
}
