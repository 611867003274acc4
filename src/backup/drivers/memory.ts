import { sha256 } from "../../lib/hash.ts";
import { backupError } from "../errors.ts";
import type { NewSnapshot, Repository, SnapshotFilter, StoredSnapshot } from "../port.ts";

type Held = { snapshot: StoredSnapshot; content: Buffer; checksum: string };

/** For tests and for trying out: nothing of it outlives the process. */
export class MemoryRepository implements Repository {
  readonly name = "memory";
  readonly #held = new Map<string, Held>();
  #next = 1;

  async open(): Promise<void> {
    // There is no key and nothing to make.
  }

  async save(
    snapshot: NewSnapshot,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoredSnapshot> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) {
      signal.throwIfAborted();
      chunks.push(Uint8Array.from(chunk));
    }
    signal.throwIfAborted();
    const whole = Buffer.concat(chunks);
    const id = String(this.#next++).padStart(8, "0");
    const stored = { ...snapshot, id, sizeBytes: whole.byteLength, addedBytes: whole.byteLength };
    this.#held.set(id, { snapshot: stored, content: whole, checksum: sha256(whole) });
    return stored;
  }

  async *read(id: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const held = this.#held.get(id);
    if (!held) throw backupError("BACKUP_SNAPSHOT_MISSING", `there is no snapshot ${id}`);
    for (let at = 0; at < held.content.byteLength; at += 65_536) {
      signal.throwIfAborted();
      yield held.content.subarray(at, at + 65_536);
    }
    if (sha256(held.content) !== held.checksum)
      throw backupError("BACKUP_REPOSITORY_DAMAGED", `snapshot ${id} does not fit its checksum`);
  }

  async list(filter: SnapshotFilter): Promise<StoredSnapshot[]> {
    const wanted = Object.entries(filter);
    return [...this.#held.values()]
      .map(({ snapshot }) => snapshot)
      .filter((snapshot) => wanted.every(([name, value]) => snapshot[name as keyof SnapshotFilter] === value))
      .sort((a, b) => b.takenAt - a.takenAt || (a.id < b.id ? 1 : -1));
  }

  async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#held.delete(id);
  }

  async check(): Promise<string[]> {
    return [...this.#held.values()]
      .filter(({ content, checksum }) => sha256(content) !== checksum)
      .map(({ snapshot }) => `snapshot ${snapshot.id} does not fit its checksum`);
  }

  async size(): Promise<number> {
    return [...this.#held.values()].reduce((sum, { content }) => sum + content.byteLength, 0);
  }

  /** For tests: one byte of a snapshot turns over. */
  damage(id: string): void {
    const held = this.#held.get(id);
    const at = Math.floor((held?.content.byteLength ?? 0) / 2);
    if (held) held.content[at] = (held.content[at] ?? 0) ^ 0xff;
  }
}
