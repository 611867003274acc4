import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Notify } from "../notify/news.ts";
import type { BackupSource, SourceKind } from "../policy/backup-source.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Stack } from "../stack/stack.ts";
import type { Bundle, Deployment, Store } from "../store/port.ts";
import type { PointInTime } from "./point-in-time.ts";
import type { RepositoryBook } from "./repository-book.ts";
import type { InstanceBuilder } from "./restore-builder.ts";
import type { RestoreRun } from "./restore-run.ts";
import type { Vault } from "./vault.ts";

/** What of the engine a restore needs. */
export interface VolumeSwitch {
  /** Restarts the services on these volumes; null: what the Compose file names. A failure returns to what served. */
  switchVolumes(
    scope: Scope,
    services: readonly string[],
    standIns: Readonly<Record<string, string | null>>,
    by: { name: string; reason: string },
  ): Pick<Deployment, "id">;
  /** Requests to these services wait at the edge, or go on. */
  hold(scope: Scope, services: readonly string[], on: boolean, signal: AbortSignal): Promise<void>;
}

/** What restores are made of. `bin` builds it from real drivers, tests from the memory ones. */
export type RestoreParts = {
  store: Store;
  clock: Clock;
  ids: Ids;
  runtime: Runtime;
  resolve: (bundle: Bundle, environment: string) => { stack?: Stack };
  repositories: RepositoryBook;
  vault: Pick<Vault, "runs" | "request" | "plan">;
  builders: Readonly<Partial<Record<SourceKind, InstanceBuilder>>>;
  points?: PointInTime;
  engine: VolumeSwitch;
  notify: Notify;
  mask: (scope: Scope, text: string) => string;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  /** Called after every saved change: tests end the process there. */
  onSaved?: (run: RestoreRun) => void;
};

export type SourceOf = { scope: Scope; stack: Stack; source: BackupSource };
