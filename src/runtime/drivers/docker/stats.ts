import { totalmem } from "node:os";
import { mapLimited } from "../../../lib/limit.ts";
import type { Scope } from "../../../rollout/ids.ts";
import type { ReplicaStats } from "../../port.ts";
import { refusedWith } from "./client.ts";
import type { ContainerInspect, StatsSample } from "./engine-types.ts";
import type { DockerHost } from "./host.ts";
import { identityOf } from "./labels.ts";
import { stateOf } from "./observe.ts";

/** Beyond this an earlier sample says nothing about the CPU use of now. */
const usableMs = 5 * 60_000;

type CpuReading = { at: number; totalNanoseconds: number };

/** Samples resource use. CPU use is the difference to the sample before: its own, or one that the engine takes in a second. */
export class StatsReader {
  readonly #earlier = new Map<string, CpuReading>();

  async read(host: DockerHost, scope: Scope | "all", signal: AbortSignal): Promise<ReplicaStats[]> {
    const running = (await host.replicas(scope, signal)).filter(
      (container) => stateOf(container) === "running",
    );
    if (scope === "all") this.#forgetOthers(new Set(running.map((container) => container.Id)));
    const samples = await mapLimited(running, 16, (container) => this.#sample(host, container, signal));
    return samples.filter((sample) => sample !== undefined);
  }

  #forgetOthers(present: ReadonlySet<string>): void {
    for (const id of this.#earlier.keys()) if (!present.has(id)) this.#earlier.delete(id);
  }

  async #sample(
    host: DockerHost,
    container: ContainerInspect,
    signal: AbortSignal,
  ): Promise<ReplicaStats | undefined> {
    const identity = identityOf(container.Name, container.Config.Labels);
    if (identity === undefined) return undefined;
    const earlier = this.#earlier.get(container.Id);
    const usable = earlier !== undefined && host.clock.now() - earlier.at < usableMs;
    try {
      const sample = await host.client.json<StatsSample>({
        method: "GET",
        path: `/containers/${container.Id}/stats`,
        query: usable ? { stream: false, "one-shot": true } : { stream: false },
        signal,
      });
      const reading = {
        at: Date.parse(sample.read),
        totalNanoseconds: sample.cpu_stats.cpu_usage.total_usage,
      };
      if (Number.isNaN(reading.at) || reading.at <= 0) return undefined;
      this.#earlier.set(container.Id, reading);
      return replicaStats(identity, sample, usable ? cpuBetween(earlier, reading) : cpuOf(sample));
    } catch (error) {
      if (refusedWith(error, 404, 409)) return undefined;
      throw error;
    }
  }
}

function cpuBetween(earlier: CpuReading, later: CpuReading): number {
  const elapsed = (later.at - earlier.at) * 1e6;
  return elapsed <= 0 ? 0 : Math.max(0, (later.totalNanoseconds - earlier.totalNanoseconds) / elapsed);
}

/** The engine's own pair of samples: share of the machine's CPU time, times its cores. */
function cpuOf({ cpu_stats: now, precpu_stats: before }: StatsSample): number {
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const system = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  return used > 0 && system > 0 ? (used / system) * (now.online_cpus ?? 1) : 0;
}

/** One sample in our terms; the page cache that could be given back at once does not count as used memory, as in `docker stats`. */
export function replicaStats(
  identity: Pick<ReplicaStats, "service"> & { id: ReplicaStats["replica"] },
  sample: StatsSample,
  cpu: number,
): ReplicaStats {
  const { memory_stats: memory } = sample;
  const cache = memory.stats?.["total_inactive_file"] ?? memory.stats?.["inactive_file"] ?? 0;
  const networks = Object.values(sample.networks ?? {});
  const blocks = sample.blkio_stats?.io_service_bytes_recursive ?? [];
  const moved = (operation: string) =>
    blocks.filter(({ op }) => op.toLowerCase() === operation).reduce((sum, { value }) => sum + value, 0);
  const limit = memory.limit;
  return {
    replica: identity.id,
    service: identity.service,
    cpu,
    memoryBytes: Math.max(0, (memory.usage ?? 0) - cache),
    // Without a limit the engine reports the machine's memory.
    ...(limit === undefined || limit >= totalmem() ? {} : { memoryLimitBytes: limit }),
    ...(networks.length === 0
      ? {}
      : {
          networkInBytes: networks.reduce((sum, network) => sum + network.rx_bytes, 0),
          networkOutBytes: networks.reduce((sum, network) => sum + network.tx_bytes, 0),
        }),
    diskReadBytes: moved("read"),
    diskWriteBytes: moved("write"),
    ...(sample.pids_stats?.current === undefined ? {} : { pids: sample.pids_stats.current }),
  };
}
