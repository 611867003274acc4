import type { Edge } from "../edge/port.ts";
import type { Clock } from "../lib/clock.ts";
import type { LogStore } from "../logs/port.ts";
import type { ReleaseId, Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { AccessLimits } from "./access-sampler.ts";
import type { LineLimits } from "./line-budget.ts";

/** What the collector is made of. */
export type CollectorParts = {
  runtime: Pick<Runtime, "observe" | "logs" | "watch">;
  edge?: Pick<Edge, "requests">;
  logs: LogStore;
  /** Takes the secrets of a stack out of a line, before anything is written. */
  mask: (scope: Scope, text: string) => string;
  /** A replica of this release is about to be read: its secrets count from now on. */
  expect?: (scope: Scope, release: ReleaseId) => void;
  clock: Clock;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  limits: LineLimits;
  access: AccessLimits;
};
