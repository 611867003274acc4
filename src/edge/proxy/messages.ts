import { PlatformError } from "../../lib/platform-error.ts";
import type { DrainOutcome, EdgeConfig, EdgeObserved } from "../port.ts";

/** What the edge's first process asks of a worker; each is answered once. */
export type Order =
  | { kind: "start"; ticketKeys: string; home: string }
  | { kind: "prepare"; config: EdgeConfig; version: number }
  | { kind: "commit" }
  | { kind: "rollBack" }
  | { kind: "observe" }
  | { kind: "drain"; target: string; limitMs: number }
  | { kind: "spend"; spends: readonly Spend[] }
  | { kind: "reopenLog" }
  | { kind: "stop"; limitMs: number };

/** Tokens of a route's rate limit that one client used in one worker. */
export type Spend = { route: string; client: string; count: number };

export type ToWorker = { id: number; order: Order };
export type FromWorker =
  | { kind: "reply"; id: number; value: DrainOutcome | EdgeObserved | null }
  | { kind: "failure"; id: number; error: WireError }
  | { kind: "spends"; spends: readonly Spend[] }
  | { kind: "ready" };

/** A platform error on its way through a channel. */
export type WireError = { code: string; message: string; hint?: string };

export function toWire(error: unknown): WireError {
  if (error instanceof PlatformError) {
    const { code, message, hint } = error;
    return hint === undefined ? { code, message } : { code, message, hint };
  }
  return { code: "EDGE_FAILED", message: error instanceof Error ? error.message : String(error) };
}

export function fromWire(error: WireError): PlatformError {
  return new PlatformError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
}

/** One JSON line on stderr. */
export function logLine(event: string, detail: Record<string, unknown> = {}): void {
  process.stderr.write(
    `${JSON.stringify({ at: new Date().toISOString(), pid: process.pid, event, ...detail })}\n`,
  );
}
