import type { Dump } from "../backup/source.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import type { BackupSource } from "../policy/backup-source.ts";
import type { CheckResult } from "../policy/backup-verdict.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Stack } from "../stack/stack.ts";

/** A source in the place where it lives. */
export type KeptSource = {
  scope: Scope;
  /** As the current release has it. */
  stack: Stack;
  source: BackupSource;
};

export type Proof = {
  /** What the restored copy holds. */
  manifest: Manifest;
  /** Answers to the source's own questions. */
  checks: readonly CheckResult[];
};

/** How one kind of source is copied, and how a copy is proven. One per kind, built in bin/vault.ts. */
export interface SourceKeeper {
  /** Begins a consistent copy of what serves. */
  dump(kept: KeptSource, signal: AbortSignal): Promise<Dump>;
  /**
   * Restores a copy into a throw-away place of its own, says what that holds, and removes it again, whatever happened.
   * Reads the content to its end. Throws when it cannot be restored. `proof` names the place: letters, digits, dashes;
   * the same name again begins anew.
   */
  prove(
    kept: KeptSource,
    content: AsyncIterable<Uint8Array>,
    options: { proof: string },
    signal: AbortSignal,
  ): Promise<Proof>;
  /** Removes throw-away places that a killed control plane has left. */
  removeLeftovers(signal: AbortSignal): Promise<void>;
}
