import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import type { KnownCertificates } from "./certificates.ts";
import { emptyTruth, type PoolSize, type Truth } from "./truth.ts";

/** What a later control plane needs to take this edge over. */
export type SavedState = { truth: Truth; certificates: KnownCertificates; format: 1 };

/** The saved state, or an empty one when the edge never ran. A file of another format is treated as absent. */
export async function readState(file: string, size: PoolSize): Promise<SavedState> {
  const empty: SavedState = { truth: emptyTruth(size), certificates: {}, format: 1 };
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return empty;
  const saved = JSON.parse(text) as SavedState;
  return saved.format === 1 ? saved : empty;
}

export async function writeState(file: string, state: SavedState): Promise<void> {
  await writeFileAtomic(file, JSON.stringify(state));
}
