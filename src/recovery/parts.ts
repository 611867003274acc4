import type { Alert, OnCall } from "../alerting/alert-book.ts";
import type { Page } from "../alerting/teller.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Notify } from "../notify/news.ts";
import type { Call } from "../policy/alert-escalation.ts";
import type { CauseFacts } from "../policy/incident-cause.ts";
import type { Actor, Engine } from "../reconciler/engine.ts";
import type { EngineParts } from "../reconciler/parts.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Stack } from "../stack/stack.ts";
import type { Deployment, Store } from "../store/port.ts";

/** What the recovery is made of. `bin` builds it from real drivers, tests from the memory ones. */
export type RecoveryParts = {
  store: Store;
  clock: Clock;
  ids: Ids;
  engine: Engine & Isolation;
  runtime: Pick<Runtime, "observe" | "stopReplica" | "removeReplica" | "logs">;
  /** One request through the real edge. */
  request: EngineParts["request"];
  /** As the current release has it. */
  stackOf: (scope: Scope) => Stack | undefined;
  mask: (scope: Scope, text: string) => string;
  people: {
    notify: Notify;
    page: (page: Page, call: Call) => void;
    onCall: () => OnCall;
    /** Alerts that hold now. */
    active: () => readonly Alert[];
    /** Ends reminders and calls of an alert that an incident takes over. */
    acknowledge: (alert: string, reason: string) => void;
  };
  /** The name of this process in leases. */
  holder: string;
  /** Where evidence is kept. */
  evidenceFolder: string;
  /** The fullest mount of the host. */
  disk?: () => CauseFacts["disk"];
  /** Absent: nothing here is backed up. */
  restores?: Restores;
  /** Absent: secrets are renewed by hand. */
  renew?: SecretRenewal;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  /** Called after each step of a recovery is durable; the crash tests end the process here. */
  onStep?: (incident: string, node: string) => void;
};

/** Cuts a stack off at the edge, or joins it again; holds over restarts. */
export interface Isolation {
  isolate(scope: Scope, on: boolean, signal: AbortSignal): Promise<void>;
}

/** What the database branch needs of the backups. */
export interface Restores {
  /** Verified snapshots of a service's data, newest first. */
  snapshots(scope: Scope, service: string): readonly RestorePoint[];
  /**
   * Brings one back: into a new instance first, verified, then in place of what the service has. Called again after a
   * crash with the same `attempt` it goes on or begins anew, never twice. `from` is the stack that the snapshot is of:
   * another environment than `scope` in a drill.
   */
  restore(
    wish: { from: Scope; scope: Scope; service: string; snapshot: string; attempt: string },
    by: Actor,
    signal: AbortSignal,
  ): Promise<void>;
  /** Whether what the service holds now is what its snapshot promised. */
  inspect(
    wish: { from: Scope; scope: Scope; service: string; snapshot: string },
    signal: AbortSignal,
  ): Promise<{ ok: boolean; detail: string }>;
}

export type RestorePoint = { id: string; takenAt: number };

export interface SecretRenewal {
  /** Names of the secrets of a stack that are kept here and may be given a new random value. */
  names(scope: Scope): readonly string[];
  /** Those that only their issuer can renew, e.g. references into a vault. */
  foreign(scope: Scope): readonly string[];
  /** A new random value, and the current release deployed with it. */
  renew(scope: Scope, name: string, by: Actor): Deployment;
}
