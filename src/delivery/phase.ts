import type { Gathered } from "../bundle/gather-bundle.ts";
import type { DeliveryParts } from "./parts.ts";
import type { PhaseName, Run, RunControl } from "./run.ts";
import type { RunBook } from "./run-book.ts";
import type { SourceSettings } from "./source-settings.ts";

/**
 * One part of a run. It may be killed anywhere and is then started again with the progress that it had saved: it looks
 * at what is there before it acts. A failure is thrown.
 */
export type Phase = {
  name: PhaseName;
  run(world: RunWorld): Promise<PhaseOutcome>;
};

export type PhaseOutcome =
  | { kind: "done"; detail: string }
  | { kind: "skipped"; detail: string }
  /**
   * For a person or a time: the phase is run again when the run's control changes, and after `againMs`. News are told
   * when a wait begins, and again with `remind`.
   */
  | { kind: "waiting"; detail: string; againMs: number; remind?: boolean };

export type RunWorld = {
  parts: DeliveryParts;
  book: RunBook;
  run: Run;
  settings: SourceSettings;
  /** One line of output, masked and kept, shown live to who pushed. */
  say: (line: string, job?: string) => void;
  /** The fresh checkout of the commit. */
  folder: () => Promise<string>;
  /** The stack of the commit in its environment, loaded once a phase; refused with all its errors. */
  gathered: () => Promise<Gathered & { stack: NonNullable<Gathered["stack"]> }>;
  /** What this phase saved before a crash, if anything. */
  progress: unknown;
  save: (progress: unknown) => void;
  control: () => RunControl | undefined;
  update: (change: Partial<Pick<Run, "deployment" | "images" | "staging">>) => void;
  signal: AbortSignal;
};
