import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";

/** A small durable map of texts in one JSON file, written through. Callers serialise their changes. */
export class Registry {
  readonly #path: string;
  #entries: Map<string, string> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async entries(): Promise<ReadonlyMap<string, string>> {
    return this.#load();
  }

  async change(edit: (entries: Map<string, string>) => void): Promise<void> {
    const entries = await this.#load();
    const before = JSON.stringify([...entries]);
    edit(entries);
    if (JSON.stringify([...entries]) === before) return;
    await writeFileAtomic(this.#path, `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`);
  }

  async #load(): Promise<Map<string, string>> {
    if (this.#entries) return this.#entries;
    const text = await readFile(this.#path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "{}";
      throw error;
    });
    this.#entries ??= new Map(Object.entries(JSON.parse(text) as Record<string, string>));
    return this.#entries;
  }
}
