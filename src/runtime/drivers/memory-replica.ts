import type { ObservedReplica, ReplicaSpec } from "../port.ts";

/** A replica of the in-memory host. */
export type MemoryReplica = {
  spec: ReplicaSpec;
  host: string;
  state: "created" | "running" | "exited";
  startedAt?: number;
  exitedAt?: number;
  exitCode?: number;
  oomKilled: boolean;
  /** Cancels the death that its behaviour planned. */
  life: AbortController;
};

/** What the host reports of it. */
export function observed(replica: MemoryReplica): ObservedReplica {
  const { spec } = replica;
  return {
    id: spec.id,
    scope: spec.scope,
    service: spec.service,
    revision: spec.revision,
    ordinal: spec.ordinal,
    release: spec.release,
    state: replica.state,
    ...(replica.startedAt === undefined ? {} : { startedAt: replica.startedAt }),
    ...(replica.exitedAt === undefined ? {} : { exitedAt: replica.exitedAt }),
    ...(replica.exitCode === undefined ? {} : { exitCode: replica.exitCode }),
    oomKilled: replica.oomKilled,
    restarts: 0,
    ...(replica.state === "running" ? { host: replica.host } : {}),
    portMap: {},
    imageDigest: spec.image.digest,
  };
}
