import type { DeploymentId, Scope } from "../rollout/ids.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { Deployment, DeployRequest, JournalEntry, PinnedImage } from "../store/port.ts";
import { DeliveryError } from "./errors.ts";
import { lineOf } from "./journal-line.ts";
import type { RunWorld } from "./phase.ts";
import { shortCommit } from "./run.ts";

const pieceSize = 200;
/** Another process may have written the entry; then nobody here is told. */
const lookAgainMs = 2000;

export type DeploymentWish = {
  scope: Scope;
  bundle: DeployRequest["bundle"];
  files: Readonly<Record<string, Uint8Array>>;
  /** Exactly these, and not what their names stand for now. */
  images?: Readonly<Record<string, PinnedImage>>;
};

/** Hands a release to the engine; `onBegun` is part of the same transaction. */
export function beginDeployment(
  { parts, run }: RunWorld,
  { scope, bundle, files, images }: DeploymentWish,
  onBegun: (id: DeploymentId) => void,
): DeploymentId {
  const by = { name: run.requestedBy, reason: `run ${run.id}` };
  return parts.store.transaction(() => {
    const fileVersions = Object.fromEntries(
      Object.entries(files).map(([name, content]) => [name, parts.store.secrets.put(scope, name, content)]),
    );
    const services = run.services ?? [];
    const label = `${run.ref}-${shortCommit(run.commit)}`;
    const request = { bundle, label, services, fileVersions, ...(images ? { pinnedImages: images } : {}) };
    const { id } = parts.engine.deploy(scope, request, by);
    parts.store.audit.append({
      at: parts.clock.now(),
      actor: run.requestedBy,
      action: "deploy",
      target: scopeKey(scope),
      detail: { deployment: id, run: run.id, commit: run.commit },
    });
    onBegun(id);
    return id;
  });
}

/** Shows a deployment's journal as it grows; answers it once it has ended. `save` keeps how far that has come. */
export async function watchDeployment(
  world: RunWorld,
  id: DeploymentId,
  { seen: first, save }: { seen: number; save: (seen: number) => void },
): Promise<Deployment> {
  const { parts, say, signal, run } = world;
  const { deployments } = parts.store;
  let seen = first;
  let bell: () => void = () => undefined;
  const stop = deployments.onAppend((entry) => entry.deployment === id && bell());
  const onAbort = () => void abortDeployment(world, id);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (;;) {
      const rung = new Promise<void>((resolve) => {
        bell = resolve;
      });
      const deployment = deployments.get(id);
      const entries = deployments.journal(id, seen, pieceSize);
      for (const entry of entries) show(entry, say);
      seen = entries.at(-1)?.seq ?? seen;
      if (entries.length > 0) {
        save(seen);
        continue;
      }
      if (!deployment)
        throw new DeliveryError("DELIVERY_DEPLOYMENT_FAILED", `deployment ${id} of ${run.id} is gone`);
      if (deployment.finishedAt !== undefined) return deployment;
      // After an abort the deployment's way back is still watched; only a stop of the control plane ends it here.
      if (signal.aborted && !(signal.reason instanceof DeliveryError)) throw signal.reason;
      await Promise.race([rung, parts.clock.sleep(lookAgainMs)]);
    }
  } finally {
    stop();
    signal.removeEventListener("abort", onAbort);
  }
}

function abortDeployment({ parts, run, signal }: RunWorld, id: DeploymentId): void {
  if (!(signal.reason instanceof DeliveryError)) return;
  const deployment = parts.store.deployments.get(id);
  if (!deployment || deployment.finishedAt !== undefined || deployment.state === "returning") return;
  parts.engine.abort(deployment.scope, { name: run.requestedBy, reason: `run ${run.id} was aborted` });
}

function show(entry: JournalEntry, say: RunWorld["say"]): void {
  const line = lineOf(entry);
  if (line !== undefined) say(line);
}

/** Why a deployment ended without its release, with what its replicas said last. */
export function deploymentFailure(
  deployment: Deployment,
  code: "DELIVERY_DEPLOYMENT_FAILED" | "DELIVERY_STAGE_FAILED",
): DeliveryError {
  const { failure, state } = deployment;
  const reason = failure ? failure.message : `the deployment ended as ${state}`;
  const message = code === "DELIVERY_STAGE_FAILED" ? `${deployment.scope.environment}: ${reason}` : reason;
  const outcome = failure?.outcome === undefined ? [] : [failure.outcome];
  const probe = failure?.probe?.body === undefined ? [] : [failure.probe.body];
  return new DeliveryError(code, message, {
    lastLines: [...probe, ...(failure?.lastLines ?? []), ...outcome],
    ...(failure?.hint === undefined ? {} : { hint: failure.hint }),
  });
}
