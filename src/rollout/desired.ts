import type { CanaryPolicy, StrategyName } from "../stack/stack.ts";
import type { ReleaseId, Revision, Scope } from "./ids.ts";

/** What one release wants to run, reduced to what the planner needs. Built from a release by `desired-of.ts`. */
export type DesiredRelease = {
  scope: Scope;
  release: ReleaseId;
  services: readonly DesiredService[];
};

export type DesiredService = {
  name: string;
  /** Same revision, interchangeable replicas. */
  revision: Revision;
  /** 0 when scaled to nothing. */
  replicas: number;
  /** Stopped by an operator: nothing runs and nothing is repaired until it is started again; replicas stay. */
  stopped: boolean;
  strategy: StrategyName;
  /** Others wait until it is ready, even where the file does not say so. */
  database: boolean;
  /** A one-shot service: run to its end once per release instead of being kept running. */
  oneShot: boolean;
  /** Reached through the edge (public route or stable internal address): its traffic must be shifted. */
  routed: boolean;
  canary?: CanaryPolicy;
  keepWarmSeconds: number;
  drainSeconds: number;
  readyTimeoutSeconds: number;
  stopGraceSeconds: number;
  holdSeconds: number;
  dependsOn: readonly { service: string; condition: "started" | "ready" | "completed"; required: boolean }[];
  releaseJob?: { timeoutSeconds: number };
  hasSmoke: boolean;
};
