import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { log, reasonOf } from "../log.ts";
import { type SubmittedEntry, submittedEntrySchema } from "./entry.ts";

export type SpooledEntry = { name: string; entry: SubmittedEntry };

/**
 * Entries that wait for the database, one file each. `put` returns only when the entry would survive a power cut:
 * that is the moment at which a queued entry may be acknowledged.
 */
export class Spool {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Entries that an earlier run left, oldest first, and how many were put aside as wrong. */
  async load(): Promise<{ waiting: SpooledEntry[]; rejected: number }> {
    await mkdir(this.#folder, { recursive: true });
    const names = await readdir(this.#folder);
    const waiting: SpooledEntry[] = [];
    for (const name of names.filter((each) => each.endsWith(".json"))) {
      try {
        const entry = submittedEntrySchema.parse(
          JSON.parse(await readFile(join(this.#folder, name), "utf8")),
        );
        waiting.push({ name, entry });
      } catch (error) {
        // Kept for a human: a file that cannot be read must not stop the bot, and must not vanish either.
        log.error("unreadable queued entry put aside", { file: name, reason: reasonOf(error) });
        await this.reject(name, reasonOf(error));
      }
    }
    waiting.sort((a, b) => a.entry.acceptedAt.localeCompare(b.entry.acceptedAt));
    const rejected = (await readdir(this.#folder)).filter((name) => name.endsWith(".rejected")).length;
    return { waiting, rejected };
  }

  static nameOf(entry: Pick<SubmittedEntry, "guildId" | "idempotencyKey">): string {
    return `${createHash("sha256").update(`${entry.guildId}\n${entry.idempotencyKey}`).digest("hex").slice(0, 40)}.json`;
  }

  async put(name: string, entry: SubmittedEntry): Promise<void> {
    const path = join(this.#folder, name);
    const file = await open(`${path}.new`, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(entry));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await this.#syncFolder();
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }

  async reject(name: string, reason: string): Promise<void> {
    const path = join(this.#folder, name);
    await writeFile(`${path}.reason`, reason);
    await rename(path, `${path}.rejected`);
  }

  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
