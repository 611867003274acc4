import type { Certificate, Edge } from "../edge/port.ts";
import type { Clock } from "../lib/clock.ts";
import type { Engine } from "../reconciler/engine.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Store } from "../store/port.ts";
import type { Sample, Telemetry } from "../telemetry/port.ts";

/** What the watch works with. `bin` builds it from real drivers, tests from the memory ones. */
export type WatchParts = {
  telemetry: Telemetry;
  store: Store;
  runtime: Runtime;
  edge: Edge;
  engine: Pick<Engine, "list">;
  clock: Clock;
  certificates: readonly Certificate[];
  /** The folder whose file system is watched, besides the root. */
  home: string;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
};

/** One thing that is measured in each pass, by itself: how slow or dead it is concerns no other. */
export type Gauge = {
  name: string;
  read(signal: AbortSignal): Promise<readonly Sample[]> | readonly Sample[];
};
