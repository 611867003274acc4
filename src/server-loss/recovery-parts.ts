import type { Repository } from "../backup/port.ts";
import type { Source } from "../backup/source.ts";
import type { DatabasePlace } from "../backup/sources/database-place.ts";
import type { Clock } from "../lib/clock.ts";
import type { Coverage } from "../policy/backup-coverage.ts";
import type { BackupSource, SourceKind } from "../policy/backup-source.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { SmokeCheck, Stack } from "../stack/stack.ts";
import type { Bundle, Deployment, Store } from "../store/port.ts";

/** What of the engine brings a stack up again. */
export interface Starter {
  start(
    scope: Scope,
    services: readonly string[],
    by: { name: string; reason: string },
  ): Pick<Deployment, "id">;
  stop(
    scope: Scope,
    services: readonly string[],
    by: { name: string; reason: string },
  ): Pick<Deployment, "id">;
}

/** What brings stacks back is made of. `bin` builds it from real drivers. */
export type StackRecoveryParts = {
  store: Store;
  clock: Clock;
  runtime: Runtime;
  engine: Starter;
  resolve: (bundle: Bundle, environment: string) => { stack?: Stack };
  coverage: (stack: Stack) => Coverage;
  repository: (signal: AbortSignal) => Promise<Repository | undefined>;
  /** Databases by kind, restored where they run. */
  databases: Readonly<Partial<Record<SourceKind, Source<DatabasePlace>>>>;
  /** The running database of a source. */
  placeOf: (kept: Kept, signal: AbortSignal) => Promise<DatabasePlace>;
  /** Unpacks into a folder of the host that is missing or empty. */
  fillFolder: (folder: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>;
  request: (
    check: SmokeCheck,
    host: string,
    signal: AbortSignal,
  ) => Promise<{ status: number; body: string }>;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  /** Called after every saved change: tests end the process there. */
  onSaved?: () => void;
};

export type Kept = { scope: Scope; stack: Stack; source: BackupSource };
