import type { Probe } from "../../stack/stack.ts";

/**
 * How the replicas of the in-memory host behave. Everything is optional: a replica without a behaviour is ready at
 * once, lives until it is stopped, and its jobs end with 0.
 */
export type MemoryBehaviour = {
  /** `ensureImage` fails. */
  imageMissing?: boolean;
  /** `startReplica` throws instead of starting. */
  startFails?: string;
  /** Probes fail until this long after the start. */
  readyAfterMs?: number;
  /** Probes fail for ever. */
  neverReady?: boolean;
  /** Probes fail with this; read at every probe, so a test can make a running replica ill and well again. */
  probe?: { reason: string; body?: string };
  /** The program ends by itself this long after its start; 0: at once. */
  dies?: { afterMs: number; exitCode: number; oomKilled?: boolean; lines?: readonly string[] };
  /** Written at the start. */
  lines?: readonly string[];
  /** Takes no notice of the stop signal: killed after the whole grace period, exit code 137. */
  ignoresStop?: boolean;
  job?: { exitCode: number; takesMs?: number; oomKilled?: boolean; lines?: readonly string[] };
  exec?: { exitCode: number; stdout?: string; stderr?: string };
  stats?: { cpu: number; memoryBytes: number };
};

/** What a scripted probe says that it did. */
export function describe(probe: Probe): string {
  switch (probe.kind) {
    case "http":
      return `GET ${probe.path} on port ${probe.port}`;
    case "tcp":
      return `connection to port ${probe.port}`;
    case "exec":
    case "alive":
      return probe.kind;
  }
}
