import type { Clock } from "../../../lib/clock.ts";
import { mapLimited } from "../../../lib/limit.ts";
import type { ReplicaId, Scope } from "../../../rollout/ids.ts";
import { runtimeError } from "../../errors.ts";
import { BuildLimits } from "./build-limits.ts";
import { BuildMemory } from "./build-memory.ts";
import { type EngineClient, refusedWith } from "./client.ts";
import type { ContainerInspect, ContainerSummary } from "./engine-types.ts";
import { InspectionCache } from "./inspection-cache.ts";
import { label, type Owner, scopeFilter } from "./labels.ts";
import { lastExitCode } from "./last-exit.ts";
import type { LoginOf } from "./registry-auth.ts";
import type { Subnet } from "./subnets.ts";

const inspectWidth = 8;

/** One Docker engine as seen by one owner: the calls that every part of the driver needs. */
export class DockerHost {
  readonly client: EngineClient;
  readonly owner: Owner;
  /** For secrets and configs as files, and the address books; root only. */
  readonly filesDirectory: string;
  readonly subnetPool: Subnet;
  readonly clock: Clock;
  readonly loginOf: LoginOf;
  readonly inspections: InspectionCache;
  readonly builds = new BuildMemory();
  readonly buildLimits: BuildLimits;
  #cgroupDriver: string | undefined;
  /** Names of the job containers that this process waits for. */
  readonly activeJobs = new Set<string>();

  constructor(options: {
    client: EngineClient;
    owner: Owner;
    filesDirectory: string;
    subnetPool: Subnet;
    clock: Clock;
    buildMemoryBytes?: number;
    loginOf: LoginOf;
  }) {
    this.client = options.client;
    this.owner = options.owner;
    this.filesDirectory = options.filesDirectory;
    this.subnetPool = options.subnetPool;
    this.clock = options.clock;
    this.loginOf = options.loginOf;
    const { owner, buildMemoryBytes: memoryBytes } = options;
    this.buildLimits = new BuildLimits({ owner, ...(memoryBytes === undefined ? {} : { memoryBytes }) });
    this.inspections = new InspectionCache(options.clock);
    this.client.onChange = () => this.inspections.clear();
  }

  /** Who owns the control groups: `cgroupfs` (the engine, and so can we) or `systemd`. */
  async cgroupDriver(signal: AbortSignal): Promise<string> {
    this.#cgroupDriver ??= (
      await this.client.json<{ CgroupDriver?: string }>({ method: "GET", path: "/info", signal })
    ).CgroupDriver;
    return this.#cgroupDriver ?? "none";
  }

  /** Containers that carry our labels (and the extra ones), stopped ones included. */
  async containers(
    scope: Scope | "all",
    signal: AbortSignal,
    extra: readonly string[] = [],
  ): Promise<ContainerSummary[]> {
    return await this.client.json({
      method: "GET",
      path: "/containers/json",
      query: { all: true, filters: scopeFilter(this.owner, scope, extra) },
      signal,
    });
  }

  /** Replicas of a scope with their details; one that vanishes meanwhile is left out. */
  async replicas(scope: Scope | "all", signal: AbortSignal): Promise<ContainerInspect[]> {
    const summaries = await this.containers(scope, signal);
    const found = await mapLimited(
      summaries.filter((summary) => summary.Labels[label.job] === undefined),
      inspectWidth,
      ({ Id }) => this.inspections.get(Id, () => this.inspect(Id, signal)),
    );
    return found.filter((container) => container !== undefined);
  }

  async inspect(id: string, signal: AbortSignal): Promise<ContainerInspect | undefined> {
    try {
      const container = await this.client.json<ContainerInspect>({
        method: "GET",
        path: `/containers/${encodeURIComponent(id)}/json`,
        signal,
      });
      const lastExit = await lastExitCode(this.client, container, signal);
      return lastExit === undefined ? container : { ...container, lastExit };
    } catch (error) {
      if (refusedWith(error, 404)) return undefined;
      throw error;
    }
  }

  /** Our replica of this id. A foreign container of the same name is an error, never touched. */
  async replica(id: ReplicaId, signal: AbortSignal): Promise<ContainerInspect | undefined> {
    const found = await this.inspections.get(id, () => this.inspect(id, signal));
    if (found === undefined || found.Name.replace(/^\//, "") !== id) return undefined;
    if (found.Config.Labels?.[label.managedBy] !== this.owner) {
      throw foreignError("container", id, found.Config.Labels);
    }
    return found;
  }

  /** As `replica`, but a missing one is an error. */
  async existing(id: ReplicaId, signal: AbortSignal): Promise<ContainerInspect> {
    const found = await this.replica(id, signal);
    if (found === undefined) throw runtimeError("RUNTIME_REPLICA_MISSING", `there is no replica ${id}`);
    return found;
  }

  /** The container's own stop signal, then SIGKILL after the grace period. A stopped or missing one is success. */
  async stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    try {
      await this.client.send({
        method: "POST",
        path: `/containers/${encodeURIComponent(id)}/stop`,
        query: { t: Math.max(0, Math.ceil(graceSeconds)) },
        signal,
        timeoutMs: (graceSeconds + 30) * 1000,
      });
    } catch (error) {
      if (!refusedWith(error, 404)) throw error;
    }
  }

  async killContainer(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.client.send({ method: "POST", path: `/containers/${id}/kill`, signal });
    } catch (error) {
      // 409: it has just ended by itself.
      if (!refusedWith(error, 404, 409)) throw error;
    }
  }

  /** Kills and removes a container, never its volumes. A missing one is success. */
  async removeContainer(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.client.send({
        method: "DELETE",
        path: `/containers/${encodeURIComponent(id)}`,
        query: { force: true },
        signal,
        timeoutMs: 60_000,
      });
    } catch (error) {
      // 409: its removal is already under way.
      if (!refusedWith(error, 404, 409)) throw error;
    }
  }
}

/** Something has a name that we need, but is not ours: made by hand, by Compose, or by another control plane. */
export function foreignError(
  kind: "container" | "network",
  name: string,
  labels: Readonly<Record<string, string>> | null,
): Error {
  const other = labels?.[label.managedBy];
  if (other !== undefined) {
    return runtimeError(
      "RUNTIME_RESOURCE_FAILED",
      `the ${kind} ${name} belongs to another control plane (${other})`,
      {
        hint: "Run this stack from one control plane only, or take it down there first.",
      },
    );
  }
  return runtimeError("RUNTIME_RESOURCE_FAILED", `a ${kind} ${name} exists that Roadstead did not create`, {
    hint:
      kind === "network"
        ? "If it is left from `docker compose up`, run `docker compose down` (volumes stay); or mark it `external: true`."
        : "Rename or remove it; Roadstead does not touch containers of others.",
  });
}
