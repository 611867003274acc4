import { writeFileSync } from "node:fs";
import type { Log } from "./log.ts";

/** What a healthy bot leaves behind: the gateway acknowledged lately, and the database answered after that. */
export type Heartbeat = { at: number; maxAgeMs: number };

export type HeartbeatSource = {
  /** Time of the gateway's last acknowledgement; READY and RESUMED count as one. */
  acknowledgedAt(): number;
  /** How often the gateway wants to hear from us. */
  intervalMs(): number;
  pingDatabase(): Promise<void>;
};

/**
 * Writes the heartbeat with the time of the older of both proofs. A session that is no longer acknowledged so turns
 * unhealthy within two heartbeat periods, although the process lives.
 */
export async function beat(
  file: string,
  source: HeartbeatSource,
  { now, log }: { now: number; log: Log },
): Promise<void> {
  const heartbeat: Heartbeat = {
    at: Math.min(source.acknowledgedAt(), now),
    maxAgeMs: 2 * source.intervalMs(),
  };
  try {
    await source.pingDatabase();
    writeFileSync(file, JSON.stringify(heartbeat));
  } catch (error) {
    log("warn", "no heartbeat", { reason: error instanceof Error ? error.message : String(error) });
  }
}

/** `undefined` when all is well, else why not. */
export function judge(text: string | undefined, now: number): string | undefined {
  if (text === undefined) return "no heartbeat yet";
  const { at, maxAgeMs } = JSON.parse(text) as Heartbeat;
  const age = now - at;
  return age <= maxAgeMs ? undefined : `last heartbeat ${Math.round(age / 1000)} s ago`;
}
