import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Notify } from "../notify/news.ts";
import type { SourceKind } from "../policy/backup-source.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Stack } from "../stack/stack.ts";
import type { Bundle, Store } from "../store/port.ts";
import type { BackupRun } from "./backup-run.ts";
import type { RepositoryBook } from "./repository-book.ts";
import type { SourceKeeper } from "./source-keeper.ts";

/** What the vault is made of. `bin` builds it from real drivers, tests from the memory ones. */
export type VaultParts = {
  store: Store;
  clock: Clock;
  ids: Ids;
  /** Compose text to stack; the same function that the engine has. */
  resolve: (bundle: Bundle, environment: string) => { stack?: Stack };
  repositories: RepositoryBook;
  /** By kind; a kind that is missing cannot be backed up here, and the plan says so. */
  keepers: Readonly<Partial<Record<SourceKind, SourceKeeper>>>;
  notify: Notify;
  /** Takes the secrets of a stack out of what is told. */
  mask: (scope: Scope, text: string) => string;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  /** Called after every saved change of a run: tests end the process there. */
  onSaved?: (run: BackupRun) => void;
};
