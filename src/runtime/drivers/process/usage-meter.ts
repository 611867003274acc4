import type { Clock } from "../../../lib/clock.ts";
import type { ReplicaId } from "../../../rollout/ids.ts";
import type { ReplicaStats } from "../../port.ts";
import { usageOf } from "./process-table.ts";
import type { ReplicaRecord } from "./replica-records.ts";

/** The kernel counts in ticks of 10 ms: shorter is noise. */
const shortestMs = 200;

/** Turns the kernel's CPU counters into a rate: since the last sample of the replica, or over a short moment. */
export class UsageMeter {
  readonly #clock: Clock;
  #before = new Map<ReplicaId, { pid: number; at: number; cpuSeconds: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async sample(records: readonly ReplicaRecord[], signal: AbortSignal): Promise<ReplicaStats[]> {
    const groups = new Set(records.flatMap(({ process }) => (process ? [process.pid] : [])));
    if (records.some((record) => this.#before.get(record.id)?.pid !== record.process?.pid)) {
      this.#note(records, usageOf(groups));
      await this.#clock.sleep(shortestMs, signal);
    }
    const usage = usageOf(groups);
    const before = this.#note(records, usage);
    return records.flatMap((record): ReplicaStats[] => {
      const now = usage.get(record.process?.pid ?? 0);
      const then = before.get(record.id);
      if (!now) return [];
      const seconds = then ? (this.#clock.now() - then.at) / 1000 : 0;
      const cpu = then && seconds > 0 ? Math.max(0, now.cpuSeconds - then.cpuSeconds) / seconds : 0;
      const { memoryBytes, diskReadBytes, diskWriteBytes, pids } = now;
      return [
        {
          replica: record.id,
          service: record.service,
          cpu,
          memoryBytes,
          diskReadBytes,
          diskWriteBytes,
          pids,
        },
      ];
    });
  }

  /** Remembers these counters for the next time, and returns what was remembered. */
  #note(records: readonly ReplicaRecord[], usage: ReturnType<typeof usageOf>) {
    const before = this.#before;
    const at = this.#clock.now();
    this.#before = new Map(before);
    for (const record of records) {
      const pid = record.process?.pid;
      const now = usage.get(pid ?? 0);
      if (pid !== undefined && now) this.#before.set(record.id, { pid, at, cpuSeconds: now.cpuSeconds });
      else this.#before.delete(record.id);
    }
    return before;
  }
}
