import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import type { KnownCertificates } from "./certificates.ts";
import { emptyTruth, type PoolSize, type Truth } from "./truth.ts";

/** Rises when the running configuration would read the maps of a newer one wrongly: then only a reload will do. */
export const stateFormat = 2;

/** What a later control plane needs to take this edge over. */
export type SavedState = { truth: Truth; certificates: KnownCertificates; format: typeof stateFormat };

/** The saved state, or an empty one when the edge never ran. A file of another format is treated as absent. */
export async function readState(file: string, size: PoolSize): Promise<SavedState> {
  const empty: SavedState = { truth: emptyTruth(size), certificates: {}, format: stateFormat };
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return empty;
  const saved = JSON.parse(text) as SavedState;
  return saved.format === stateFormat ? saved : empty;
}

export async function writeState(file: string, state: SavedState): Promise<void> {
  await writeFileAtomic(file, JSON.stringify(state));
}
