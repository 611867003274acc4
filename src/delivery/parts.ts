import type { JobRunner } from "../build/port.ts";
import type { Gathered, GatherRequest } from "../bundle/gather-bundle.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Engine } from "../reconciler/engine.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Sources } from "../source/port.ts";
import type { Store } from "../store/port.ts";
import type { Phase } from "./phase.ts";
import type { Run } from "./run.ts";

/** What the delivery is made of. */
export type DeliveryParts = {
  store: Store;
  engine: Engine;
  runtime: Runtime;
  sources: Sources;
  jobs: JobRunner;
  /** Absolute folder for what jobs keep. @default they keep nothing */
  artefacts?: string;
  clock: Clock;
  ids: Ids;
  gather: (request: GatherRequest) => Promise<Gathered>;
  /** Variables for interpolation of an environment: what operators set, references resolved. */
  variables: (scope: Scope, signal: AbortSignal) => Promise<Readonly<Record<string, string>>>;
  /** Those of them that are secret, as last read. @default none */
  secrets?: (scope: Scope) => Readonly<Record<string, string>>;
  /** Takes the secrets of an environment out of a line. */
  mask: (scope: Scope, line: string) => string;
  /** In the order in which a run goes through them. */
  phases: readonly Phase[];
  /** Called when a run has ended or begins to wait: commit status, notifications. */
  onNews?: (run: Run) => void;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
};
