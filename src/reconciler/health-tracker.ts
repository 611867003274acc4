import { mapLimited } from "../lib/limit.ts";
import { defaultCrashPolicy, isCrashLooping, nextStartAt } from "../rollout/crash-loop.ts";
import type { ReplicaId } from "../rollout/ids.ts";
import type { ObservedReplica, ProbeResult } from "../runtime/port.ts";
import type { Probe } from "../stack/stack.ts";
import type { EngineParts } from "./parts.ts";

const probeWidth = 16;
/** A replica that is not ready is asked again this often. */
const unreadyIntervalMs = 1000;

type Surroundings = {
  runtime: Pick<EngineParts["runtime"], "probe">;
  clock: Pick<EngineParts["clock"], "now">;
};

type Health = {
  startedAt: number | undefined;
  ready: boolean;
  failures: number;
  nextProbeAt: number;
  last?: ProbeResult;
  /** Epoch ms of each death seen. */
  deaths: number[];
  exitedAt: number | undefined;
  restarts: number;
};

/**
 * Readiness of every replica, from probes done outside the image. A replica becomes ready with its first passed
 * probe after a start and stops being so after `retries` failures in a row, or at once when it ends. After a
 * restart of the control plane a replica that has traffic counts as ready until its probes say otherwise.
 */
export class HealthTracker {
  readonly #parts: Surroundings;
  readonly #health = new Map<ReplicaId, Health>();

  constructor(parts: Surroundings) {
    this.#parts = parts;
  }

  /** Takes note of what runs and probes what is due. */
  async refresh(
    replicas: readonly ObservedReplica[],
    context: {
      probeOf: (replica: ObservedReplica) => Probe | undefined;
      hasTraffic: (id: ReplicaId) => boolean;
    },
    signal: AbortSignal,
  ): Promise<void> {
    for (const replica of replicas) this.#notice(replica, context.hasTraffic(replica.id));
    const now = this.#parts.clock.now();
    const due = replicas.filter(
      (replica) => replica.state === "running" && (this.#health.get(replica.id)?.nextProbeAt ?? 0) <= now,
    );
    await mapLimited(due, probeWidth, async (replica) => {
      const probe = context.probeOf(replica);
      if (probe) await this.probeNow(replica.id, probe, signal);
    });
  }

  /** Probes once and notes the result. */
  async probeNow(id: ReplicaId, probe: Probe, signal: AbortSignal): Promise<ProbeResult> {
    const timeout = AbortSignal.timeout(probe.timeoutSeconds * 1000 + 500);
    const limited = AbortSignal.any([signal, timeout]);
    const result = await this.#parts.runtime.probe(id, probe, limited).catch((error): ProbeResult => {
      // On a busy host the runtime may need longer to find the replica than the probe itself may take.
      if (signal.aborted || !timeout.aborted) throw error;
      return { ok: false, reason: `the probe did not end within ${probe.timeoutSeconds} s` };
    });
    const health = this.#health.get(id);
    if (health) this.#judge(health, probe, result);
    return result;
  }

  isReady(id: ReplicaId): boolean {
    return this.#health.get(id)?.ready ?? false;
  }

  /** Why the last probe failed; undefined when it passed. */
  reasonOf(id: ReplicaId): { reason: string; body?: string } | undefined {
    const last = this.#health.get(id)?.last;
    return last && !last.ok ? last : undefined;
  }

  /** Epoch ms before which a crashed replica must not be started again. */
  notBefore(id: ReplicaId): number {
    return nextStartAt(this.#health.get(id)?.deaths ?? [], this.#parts.clock.now(), defaultCrashPolicy);
  }

  isCrashLooping(id: ReplicaId): boolean {
    return isCrashLooping(this.#health.get(id)?.deaths ?? [], this.#parts.clock.now(), defaultCrashPolicy);
  }

  /** Drops what is known of replicas that no longer exist, so that the map stays as small as the host. */
  forgetAllBut(replicas: readonly ObservedReplica[], inScope: (id: ReplicaId) => boolean): void {
    const present = new Set(replicas.map((replica) => replica.id));
    for (const id of this.#health.keys()) if (inScope(id) && !present.has(id)) this.#health.delete(id);
  }

  #notice(replica: ObservedReplica, hasTraffic: boolean): void {
    const known = this.#health.get(replica.id);
    const now = this.#parts.clock.now();
    const running = replica.state === "running";
    if (!known) {
      this.#health.set(replica.id, {
        startedAt: replica.startedAt,
        ready: running && hasTraffic,
        failures: 0,
        nextProbeAt: now,
        deaths: [],
        exitedAt: replica.exitedAt,
        restarts: replica.restarts,
      });
      return;
    }
    const restartedBySelf = replica.restarts > known.restarts;
    const restarted = restartedBySelf || (running && known.startedAt !== replica.startedAt);
    // Also a death between two looks: the replica was started and ended again meanwhile.
    const died = replica.state === "exited" && (known.exitedAt !== replica.exitedAt || known.ready);
    if (died || restartedBySelf) known.deaths = [...known.deaths.slice(-19), replica.exitedAt ?? now];
    if (!running || restarted) {
      known.ready = false;
      known.failures = 0;
      known.nextProbeAt = now;
    }
    known.startedAt = replica.startedAt;
    known.exitedAt = replica.exitedAt;
    known.restarts = replica.restarts;
  }

  #judge(health: Health, probe: Probe, result: ProbeResult): void {
    health.last = result;
    health.failures = result.ok ? 0 : health.failures + 1;
    if (result.ok) health.ready = true;
    else if (health.failures >= Math.max(1, probe.retries)) health.ready = false;
    const steady = result.ok && health.ready ? probe.intervalSeconds * 1000 : unreadyIntervalMs;
    health.nextProbeAt = this.#parts.clock.now() + steady;
  }
}
