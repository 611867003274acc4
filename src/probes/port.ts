import type { ProbeTarget } from "../stack/x-roadstead-dependencies.ts";

export type { ProbeTarget };

/**
 * Asks servers that Roadstead does not run, and the statistics of databases that it does: from outside, by their own
 * protocols, each time over a new connection. Nothing that it answers or throws holds a credential.
 */
export interface Prober {
  readonly name: string;
  /** Never throws for a failing probe; ends within the time limit, and rejects with the signal's reason. */
  probe(target: ProbeTarget, timeoutMs: number, signal: AbortSignal): Promise<ProbeOutcome>;
}

export type ProbeOutcome = {
  ok: boolean;
  ms: number;
  /** Why it failed, in a sentence. */
  reason?: string;
  /** Epoch ms; of `tls`, also when the certificate is not valid. */
  certificateEnds?: number;
};

/** Reads what database servers count about themselves. */
export interface DatabaseReader {
  readonly name: string;
  /** Throws a `PlatformError` (PROBE_REFUSED, PROBE_FAILED) when the server does not let itself be asked. */
  read(
    target: DatabaseTarget,
    options: { slowMs: number },
    signal: AbortSignal,
  ): Promise<readonly DatabaseReading[]>;
}

export type DatabaseTarget = {
  kind: "postgres" | "redis";
  host: string;
  port: number;
  /** Of PostgreSQL: the one to sign in to; all of the server are read. */
  database?: string;
  user?: string;
  password?: string;
};

/** Totals are those of the server: callers take differences, and mind that a restart sets them back. */
export type DatabaseReading = {
  database: string;
  connections: number;
  connectionsMax: number;
  /** 0 to 1; absent while nothing was read. */
  cacheHit?: number;
  /** Statements since the server counts them: all of them, and their time. */
  statements?: { calls: number; ms: number };
  /** Statements that were seen running or just ended, where the server keeps no totals of them. */
  seen?: readonly SeenStatement[];
  /** Statements of which one call at least took longer than the threshold, as the server keeps them. */
  slow?: readonly SlowStatement[];
};

/** `key` tells one run of a statement from another. */
export type SeenStatement = { key: string; text: string; ms: number };

/** `text` is without literals. */
export type SlowStatement = { key: string; text: string; calls: number; ms: number; maxMs: number };
