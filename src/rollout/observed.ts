import type { ReplicaId, Revision } from "./ids.ts";

/** What runs, reduced to what the planner needs: replicas from the runtime, readiness from the probes, routing from the edge. */
export type Observed = {
  replicas: readonly ReplicaView[];
  /** Per service: what the edge confirmed last. */
  routing: Readonly<Record<string, RoutingView>>;
  /** Networks, volumes and addresses of this release exist. */
  resourcesReady: boolean;
};

export type ReplicaView = {
  id: ReplicaId;
  service: string;
  revision: Revision;
  ordinal: number;
  state: "created" | "running" | "exited";
  /** Passed its probe after its last start and has not failed it since. */
  ready: boolean;
  startedAt?: number;
  exitedAt?: number;
  exitCode?: number;
  restarts: number;
};

export type RoutingView = { targets: readonly { replica: ReplicaId; weight: number }[]; hold: boolean };
