import type { Manifest } from "../policy/backup-manifest.ts";
import type { SourceKind } from "../policy/backup-source.ts";
import type { CheckResult } from "../policy/backup-verdict.ts";
import type { DeploymentId, Scope } from "../rollout/ids.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";

/**
 * `build`: a new instance on new volumes, proven. `safety`: what serves was copied once more. `switch`: the services go
 * over to the new volumes. Each is saved before it begins; what a crash leaves of `build` is removed and built again, and
 * a switch that has begun is looked up, never begun twice.
 */
export type RestorePhase = "build" | "safety" | "switch";

/** Where the data comes from. */
export type RestoreOrigin =
  | { kind: "backup"; backup: string; takenAt: number }
  | { kind: "point"; base: string; at?: number; name?: string };

export type RestoreItem = {
  source: string;
  kind: SourceKind;
  from: RestoreOrigin;
  /** Those that are restarted on the new volumes. */
  services: readonly string[];
  /** Key of a volume, or `<service>:<target>` -> the volume that takes its place. */
  mounts: Readonly<Record<string, string>>;
  /** Of the new instance. */
  manifest?: Manifest;
  checks?: readonly CheckResult[];
  /** The last moment that the new data shows. */
  shows?: number;
};

/** One restore: how it went, and what it would take to undo it. */
export type RestoreRun = {
  id: string;
  scope: Scope;
  /** Where the data comes from, when it is another environment of the stack. */
  origin: Scope;
  kind: "restore" | "undo";
  /** `undo`: the restore that is taken back. */
  of?: string;
  state: "queued" | "running" | "done" | "failed";
  phase: RestorePhase;
  attempt: number;
  items: readonly RestoreItem[];
  /** Run in each new database before anybody may use it. */
  mask?: string;
  /** Also when much of the data seems to be lost in it. */
  acceptSuspect?: boolean;
  requestedBy: string;
  reason: string;
  createdAt: number;
  startedAt?: number;
  builtAt?: number;
  /** The services answer on the new data. */
  switchedAt?: number;
  finishedAt?: number;
  /** Backup of what served until the switch. */
  safety?: string;
  deployment?: DeploymentId;
  /** What the mounts had before: a volume that stood in already; null: what the Compose file names. */
  before: Readonly<Record<string, string | null>>;
  /** When the volumes that served before were removed. */
  releasedAt?: number;
  /** The restore that took this one back. */
  undoneBy?: string;
  notes: readonly string[];
  failure?: { code: string; message: string; hint?: string };
};

const collection = "restores";
const longest = 2000;

/** All restores. Other folders may read it; only this one writes. */
export class RestoreRuns {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  put(run: RestoreRun): void {
    this.#store.records.put(collection, run.id, run);
  }

  find(id: string): RestoreRun | undefined {
    return this.#store.records.get<RestoreRun>(collection, id);
  }

  /** Newest first. */
  list(scope?: Scope): RestoreRun[] {
    const all = this.#store.records.list<RestoreRun>(collection, { limit: longest, newestFirst: true });
    const runs = all.map(({ value }) => value);
    return scope === undefined ? runs : runs.filter((run) => scopeKey(run.scope) === scopeKey(scope));
  }

  unfinished(): RestoreRun[] {
    return this.list()
      .filter(({ state }) => state === "queued" || state === "running")
      .reverse();
  }
}
