import type { Certificate, Edge, Listener } from "../edge/port.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { ReplicaId, Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Problem } from "../stack/problem.ts";
import type { SmokeCheck, Stack } from "../stack/stack.ts";
import type { Bundle, JournalEntry, Store } from "../store/port.ts";
import type { HealthChange } from "./health-news.ts";

/** What the engine is made of. `bin` builds it from real drivers, tests from the memory ones. */
export type EngineParts = {
  store: Store;
  runtime: Runtime;
  edge: Edge;
  clock: Clock;
  ids: Ids;
  settings: EngineSettings;
  /** Compose text to stack, with all problems; `accepted`: of a release, so rules added since do not count. */
  resolve: (
    bundle: Bundle,
    environment: string,
    options?: { accepted: boolean },
  ) => { stack?: Stack; problems: readonly Problem[] };
  /** One request through the real edge. */
  request: (
    check: SmokeCheck,
    host: string,
    signal: AbortSignal,
  ) => Promise<{ status: number; body: string }>;
  /** Takes the secrets of a stack out of what is written down about it. @default nothing is taken out */
  mask?: (scope: Scope, text: string) => string;
  /** Called before a replica and what it printed are removed; resolves soon, whatever happens. */
  beforeRemove?: (replica: ReplicaId) => Promise<void>;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  /** Told of every replica that falls ill or is well again while nothing is being changed; must return at once. */
  onHealth?: (change: HealthChange) => void;
  /** Called after every journal entry is durable; the crash tests end the process here. */
  onJournal?: (entry: JournalEntry) => void;
};

export type EngineSettings = {
  http?: Listener;
  https?: Listener;
  certificates: readonly Certificate[];
  /** Where the run-time values of static sites are written for the edge. Absent: sites get none. */
  sitesFolder?: string;
  /** The name of this process in leases. */
  holder: string;
  /** Between two looks at a stack at rest where all is well; the runtime's events wake it sooner. @default 5000 */
  tickMs: number;
  /** Between two probes while a replica is awaited. @default 50 */
  readyPollMs: number;
  leaseMs: number;
};

export const defaultSettings: Omit<EngineSettings, "holder"> = {
  certificates: [],
  tickMs: 5000,
  readyPollMs: 50,
  leaseMs: 15_000,
};
