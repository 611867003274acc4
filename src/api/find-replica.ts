import { PlatformError } from "../lib/platform-error.ts";
import type { Engine } from "../reconciler/engine.ts";
import type { Scope } from "../rollout/ids.ts";

/**
 * The replica that a command goes to: the named one, else a ready one that serves, else any that runs. Errors:
 * `ENGINE_SERVICE_UNKNOWN`, `RUNTIME_REPLICA_MISSING`, `RUNTIME_REPLICA_NOT_RUNNING`.
 */
export async function findReplica(
  engine: Engine,
  scope: Scope,
  wanted: { service: string; replica?: string },
): Promise<string> {
  const { services } = await engine.status(scope);
  const service = services.find((candidate) => candidate.name === wanted.service);
  if (!service)
    throw new PlatformError("ENGINE_SERVICE_UNKNOWN", `${scope.stack} has no service ${wanted.service}`, {
      hint: `It has: ${services.map((candidate) => candidate.name).join(", ")}.`,
    });
  const named = service.replicas.filter(
    (replica) => wanted.replica === undefined || replica.id === wanted.replica,
  );
  if (wanted.replica !== undefined && named.length === 0)
    throw new PlatformError("RUNTIME_REPLICA_MISSING", `${wanted.service} has no replica ${wanted.replica}`, {
      hint: `It has: ${service.replicas.map((replica) => replica.id).join(", ")}.`,
    });
  const running = named.filter((replica) => replica.state === "running");
  const best =
    running.find((replica) => replica.ready && replica.role === "current") ??
    running.find((replica) => replica.ready) ??
    running[0];
  if (!best)
    throw new PlatformError("RUNTIME_REPLICA_NOT_RUNNING", `no replica of ${wanted.service} runs`, {
      hint: "`roadstead ps` shows why; `roadstead start` starts a stopped service.",
    });
  return best.id;
}
