import type { DeploymentId, Scope } from "../rollout/ids.ts";
import type { Deployment } from "../store/port.ts";
import type { Actor } from "./engine.ts";
import type { EngineParts } from "./parts.ts";

/** Writes a deployment down as queued; a newer deploy supersedes older ones that still wait. */
export function acceptDeployment(
  parts: EngineParts,
  scope: Scope,
  wish: Pick<Deployment, "kind"> & Partial<Deployment>,
  by: Actor,
): Deployment {
  const { store, ids, clock } = parts;
  const id = ids.next("dep") as DeploymentId;
  const createdAt = clock.now();
  const deployment: Deployment = {
    ...wish,
    id,
    scope,
    state: "queued",
    requestedBy: by.name,
    reason: by.reason,
    createdAt,
  };
  store.transaction(() => {
    if (wish.kind === "deploy") supersede(parts, scope, id);
    store.deployments.create(deployment);
  });
  return deployment;
}

function supersede(parts: EngineParts, scope: Scope, by: DeploymentId): void {
  for (const older of parts.store.deployments.unfinished(scope)) {
    if (older.state !== "queued" || older.kind !== "deploy") continue;
    endQueued(parts, older, "superseded", { code: "ENGINE_SUPERSEDED", message: `superseded by ${by}` });
  }
}

/** A deployment that never began ends. */
export function endQueued(
  parts: EngineParts,
  deployment: Deployment,
  state: "superseded" | "aborted",
  failure: { code: string; message: string },
): void {
  const { store, clock } = parts;
  const at = clock.now();
  store.deployments.update(deployment.id, { state, finishedAt: at, failure });
  store.deployments.append({
    deployment: deployment.id,
    at,
    event: "stateChanged",
    state,
    message: failure.message,
  });
}
