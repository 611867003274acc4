import type { StoredSnapshot } from "../backup/port.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import type { BackupPriority, SourceKind } from "../policy/backup-source.ts";
import type { BackupVerdict, CheckResult } from "../policy/backup-verdict.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";

/**
 * `dump`: the copy streams into the repository. `verify`: it is read back whole, restored into a throw-away place and
 * judged. `retention`: what is past its time goes. Each is saved before it begins, and safe to begin again.
 */
export type BackupPhase = "dump" | "verify" | "retention";

/** One backup of one source: how it went, and the snapshot that came of it. */
export type BackupRun = {
  id: string;
  scope: Scope;
  source: string;
  kind: SourceKind;
  priority: BackupPriority;
  repository: string;
  /** `done` says nothing about the snapshot: that is what the verdict is for. `failed`: there is no snapshot. */
  state: "queued" | "running" | "done" | "failed";
  phase: BackupPhase;
  /** Counts the control planes that took it up and were killed during it, and the present one. */
  attempt: number;
  /** One was stopped in good order during it. */
  resumed?: boolean;
  requestedBy: string;
  reason: string;
  createdAt: number;
  startedAt?: number;
  finishedAt?: number;
  dumpMs?: number;
  verifyMs?: number;
  /** With the digest of its content as it was read from the source. */
  snapshot?: Pick<StoredSnapshot, "id" | "takenAt" | "sizeBytes" | "addedBytes"> & { sha256: string };
  /** Of the source, taken with the copy. */
  manifest?: Manifest;
  verdict?: BackupVerdict["verdict"] | "unverified";
  /** Why it is not verified. */
  reasons?: readonly string[];
  checks?: readonly CheckResult[];
  verifiedAt?: number;
  /** Stays until released; why. */
  pinned?: string;
  /** Retention removed the snapshot from the repository. */
  forgottenAt?: number;
  failure?: { code: string; message: string; hint?: string };
  /** Retention could not do its part; the snapshot is as good as its verdict. */
  warning?: string;
};

type Latest = { last?: BackupRun; lastVerified?: BackupRun };

const collection = "backup-runs";
/** Of each source, beside those whose snapshots are still there. */
const keptRuns = 100;
const longest = 10_000;

/** All runs, by scope, source and time. Only one of it writes. */
export class BackupRuns {
  readonly #store: Store;
  /** Asked for every few seconds: records hold whole manifests and are not read each time. */
  readonly #latest = new Map<string, Latest>();
  #unfinished: Map<string, BackupRun> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  put(run: BackupRun): void {
    this.#store.records.put(collection, keyOf(run), run);
    this.#latest.delete(sourceLease(run.scope, run.source));
    if (isUnfinished(run)) this.#unfinished?.set(run.id, run);
    else this.#unfinished?.delete(run.id);
  }

  /** The newest run of a source, and its newest snapshot that is known to be good. */
  latest(scope: Scope, source: string): Latest {
    const key = sourceLease(scope, source);
    const known = this.#latest.get(key);
    if (known) return known;
    const [last] = this.of(scope, source, 1);
    const lastVerified = this.lastVerified(scope, source);
    const fresh = { ...(last ? { last } : {}), ...(lastVerified ? { lastVerified } : {}) };
    this.#latest.set(key, fresh);
    return fresh;
  }

  find(id: string): BackupRun | undefined {
    return this.#store.records
      .list<BackupRun>(collection, { limit: longest })
      .find(({ value }) => value.id === id)?.value;
  }

  /** Newest first. */
  of(scope: Scope, source: string, limit = longest): BackupRun[] {
    const prefix = `${scopeKey(scope)}/${source}/`;
    return this.#list({ prefix, limit });
  }

  ofScope(scope: Scope, limit = longest): BackupRun[] {
    return newestFirst(this.#list({ prefix: `${scopeKey(scope)}/`, limit }));
  }

  all(limit = longest): BackupRun[] {
    return newestFirst(this.#list({ limit }));
  }

  /** Queued and running ones, oldest first. */
  unfinished(): BackupRun[] {
    this.#unfinished ??= new Map(
      this.all()
        .filter(isUnfinished)
        .map((run) => [run.id, run]),
    );
    return newestFirst([...this.#unfinished.values()]).reverse();
  }

  /** The last that is known to be good. */
  lastVerified(scope: Scope, source: string, except?: string): BackupRun | undefined {
    return this.of(scope, source).find(
      (run) =>
        run.verdict === "verified" && run.snapshot && run.forgottenAt === undefined && run.id !== except,
    );
  }

  /** Forgets old runs without a snapshot. */
  prune(scope: Scope, source: string): void {
    const over = this.of(scope, source).slice(keptRuns);
    for (const run of over)
      if ((!run.snapshot || run.forgottenAt !== undefined) && !isUnfinished(run))
        this.#store.records.remove(collection, keyOf(run));
  }

  #list(query: { prefix?: string; limit: number }): BackupRun[] {
    return this.#store.records
      .list<BackupRun>(collection, { ...query, newestFirst: true })
      .map(({ value }) => value);
  }
}

export function isUnfinished({ state }: BackupRun): boolean {
  return state === "queued" || state === "running";
}

/** Holds its snapshot and can be restored from. */
export function isThere(run: BackupRun): run is BackupRun & { snapshot: NonNullable<BackupRun["snapshot"]> } {
  return run.snapshot !== undefined && run.forgottenAt === undefined;
}

/** Who holds it may copy, restore or replace the source's data; nobody else meanwhile. */
export function sourceLease(scope: Scope, source: string): string {
  return `data:${scopeKey(scope)}/${source}`;
}

/** Ids sort by time. */
function keyOf({ scope, source, id }: BackupRun): string {
  return `${scopeKey(scope)}/${source}/${id}`;
}

function newestFirst(runs: BackupRun[]): BackupRun[] {
  return runs.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
}
