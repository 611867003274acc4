import { canonicalJson, sha256 } from "../lib/hash.ts";
import type { AuditEntry } from "./port.ts";

/** What the first entry builds on. */
export const auditGenesis = "0".repeat(64);

/** An entry's hash covers all its fields and the hash before it, so that no entry can change, vanish or move unnoticed. */
export function auditHash(previousHash: string, entry: Omit<AuditEntry, "hash">): string {
  const { seq, at, actor, action, target, detail } = entry;
  return sha256(canonicalJson([previousHash, { seq, at, actor, action, target, detail }]));
}

/** The first entry that does not fit the chain. `entries` are oldest first and complete. */
export function firstBrokenEntry(entries: Iterable<AuditEntry>): AuditEntry | undefined {
  let previous = auditGenesis;
  let seq = 0;
  for (const entry of entries) {
    seq += 1;
    if (entry.seq !== seq || entry.hash !== auditHash(previous, entry)) return entry;
    previous = entry.hash;
  }
  return undefined;
}
