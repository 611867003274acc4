import type { SourceKind } from "../policy/backup-source.ts";

export type { SourceKind };

/**
 * Holds snapshots: encrypted before they leave this host, deduplicated, each of them whole or not there. Several
 * installations may share one place; each sees its own. A driver decides nothing: no retention, no verdicts. Failures
 * are `PlatformError`s with the codes of errors.ts, and never hold the key or credentials.
 */
export interface Repository {
  readonly name: string;
  /**
   * Makes it where nothing is yet, and proves that the key fits what is there. With `mustExist` nothing is made: a disk
   * that is not mounted must not become an empty repository. What a killed process has left half-way is dropped.
   */
  open(signal: AbortSignal, options?: { mustExist: boolean }): Promise<void>;
  /**
   * Stores one snapshot. When it resolves the snapshot is whole and durable; when it throws (the stream failed, the
   * disk is full, the signal came) no snapshot is visible. Content is read with back-pressure and never kept in memory.
   */
  save(
    snapshot: NewSnapshot,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoredSnapshot>;
  /** The content, byte for byte. Throws BACKUP_REPOSITORY_DAMAGED as soon as something does not fit its checksum. */
  read(id: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Newest first. */
  list(filter: SnapshotFilter, signal: AbortSignal): Promise<StoredSnapshot[]>;
  /** Removes snapshots and frees what only they needed. Unknown ids are success. */
  forget(ids: readonly string[], signal: AbortSignal): Promise<void>;
  /** Structure, or with `readData` every byte. What is wrong, for people; empty: nothing. */
  check(options: { readData: boolean }, signal: AbortSignal): Promise<string[]>;
  /** Bytes that it takes where it lies. */
  size(signal: AbortSignal): Promise<number>;
}

/** What a snapshot is of; kept beside it, so that an empty host can tell what there is. */
export type NewSnapshot = {
  /** `stack/environment`, or `roadstead` for the platform's own state. */
  scope: string;
  /** Name of the source within its scope: a service or a volume. */
  source: string;
  /** `image`: of a release. `epoch`: who may serve; see src/server-loss. */
  kind: SourceKind | "manifest" | "image" | "epoch";
  /** Epoch ms of the moment that it shows. */
  takenAt: number;
  /** Short words for people and for `recover`, e.g. `release=v12`, `of=<snapshot>`; no secrets, letters `[\w.=:/-]`. */
  labels: readonly string[];
};

export type StoredSnapshot = NewSnapshot & {
  /** Given by the repository. */
  id: string;
  /** Of the content as it was read. */
  sizeBytes: number;
  /** What this one added to the repository, where the driver knows it. */
  addedBytes?: number;
};

export type SnapshotFilter = { scope?: string; source?: string; kind?: NewSnapshot["kind"] };
