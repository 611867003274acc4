import type { DeploymentId } from "../../rollout/ids.ts";
import type { Deployment, JournalEntry } from "../../store/port.ts";
import { DeliveryError } from "../errors.ts";
import { lineOf } from "../journal-line.ts";
import type { Phase, RunWorld } from "../phase.ts";
import { shortCommit } from "../run.ts";

const pieceSize = 200;
/** Another process may have written the entry; then nobody here is told. */
const lookAgainMs = 2000;

/** Hands the release to the engine and watches it to its end. */
export const deployPhase: Phase = {
  name: "deploy",
  async run(world) {
    if (world.run.checksOnly) return { kind: "skipped", detail: "checks only" };
    const id = world.run.deployment ?? (await begin(world));
    const deployment = await follow(world, id);
    if (deployment.state === "succeeded") {
      const release = deployment.release && world.parts.store.releases.get(deployment.release);
      return { kind: "done", detail: release ? `v${release.number} serves` : "deployed" };
    }
    throw failed(deployment);
  },
};

async function begin(world: RunWorld): Promise<DeploymentId> {
  const { parts, run, gathered, update } = world;
  const { bundle, files } = await gathered();
  const by = { name: run.requestedBy, reason: `run ${run.id}` };
  return parts.store.transaction(() => {
    const fileVersions = Object.fromEntries(
      Object.entries(files).map(([name, content]) => [
        name,
        parts.store.secrets.put(run.scope, name, content),
      ]),
    );
    const services = run.services ?? [];
    const label = `${run.ref}-${shortCommit(run.commit)}`;
    const { id } = parts.engine.deploy(run.scope, { bundle, label, services, fileVersions }, by);
    parts.store.audit.append({
      at: parts.clock.now(),
      actor: run.requestedBy,
      action: "deploy",
      target: `${run.scope.stack}/${run.scope.environment}`,
      detail: { deployment: id, run: run.id, commit: run.commit },
    });
    // In one transaction with the deployment: after a crash there is never a second one for the same run.
    update({ deployment: id });
    return id;
  });
}

async function follow(world: RunWorld, id: DeploymentId): Promise<Deployment> {
  const { parts, progress, save, say, signal, run } = world;
  const { deployments } = parts.store;
  let seen = typeof progress === "number" ? progress : 0;
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
  parts.engine.abort(run.scope, { name: run.requestedBy, reason: `run ${run.id} was aborted` });
}

function show(entry: JournalEntry, say: RunWorld["say"]): void {
  const line = lineOf(entry);
  if (line !== undefined) say(line);
}

function failed(deployment: Deployment): DeliveryError {
  const { failure, state } = deployment;
  const message = failure ? failure.message : `the deployment ended as ${state}`;
  const outcome = failure?.outcome === undefined ? [] : [failure.outcome];
  const probe = failure?.probe?.body === undefined ? [] : [failure.probe.body];
  return new DeliveryError("DELIVERY_DEPLOYMENT_FAILED", message, {
    lastLines: [...probe, ...(failure?.lastLines ?? []), ...outcome],
    ...(failure?.hint === undefined ? {} : { hint: failure.hint }),
  });
}
