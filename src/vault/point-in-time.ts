import type { Scope } from "../rollout/ids.ts";
import type { RecoveryLogs } from "./restore-builder.ts";

/** Which moments of a database can be brought back. */
export type Recoverable = {
  source: string;
  /** Epoch ms. Absent: there is no base yet. */
  earliest?: number;
  latest?: number;
  /** Named points, the newest first. */
  points: readonly { name: string; at: number }[];
  /** Bytes of log that lie here. */
  logBytes: number;
  /** Epoch ms of the last word of the server; old: it is not followed now. */
  heardAt?: number;
  /** Why it is not followed now. */
  problem?: string;
};

export type PointChoice = {
  /** Id of the base that recovery begins with. */
  base: string;
  content: (signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;
  logs: RecoveryLogs;
  /** The last moment that the result shows. */
  shows: number;
};

/** Bases and logs of databases, by source. */
export interface PointInTime {
  /** All databases of a scope that have points in time. */
  of(scope: Scope): Recoverable[];
  recoverable(scope: Scope, source: string): Recoverable | undefined;
  /** Throws with what there is when the wish lies outside of it. */
  choose(scope: Scope, source: string, wish: { at?: number; name?: string; base?: string }): PointChoice;
}
