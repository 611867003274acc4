import { join } from "node:path";
import { gatherBundle } from "../src/bundle/gather-bundle.ts";
import { CommitStatuses } from "../src/delivery/commit-status.ts";
import { Delivery } from "../src/delivery/delivery.ts";
import type { DeliveryParts } from "../src/delivery/parts.ts";
import { approvePhase } from "../src/delivery/phases/approve.ts";
import { buildPhase } from "../src/delivery/phases/build.ts";
import { deployPhase } from "../src/delivery/phases/deploy.ts";
import { fetchPhase } from "../src/delivery/phases/fetch.ts";
import { jobsPhase } from "../src/delivery/phases/jobs.ts";
import { pushPhase } from "../src/delivery/phases/push.ts";
import { scanPhase } from "../src/delivery/phases/scan.ts";
import { stagePhase } from "../src/delivery/phases/stage.ts";
import { runSecrets, runVariables } from "../src/delivery/preview-variables.ts";
import { Previews } from "../src/delivery/previews.ts";
import type { Variables } from "../src/delivery/variables.ts";
import { type WebhookParts, Webhooks } from "../src/delivery/webhooks.ts";
import type { Publisher } from "../src/publish/publisher.ts";
import type { Engine } from "../src/reconciler/engine.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { GitSources } from "../src/source/drivers/git.ts";
import type { Sources } from "../src/source/port.ts";
import { loadForge, loadScanners } from "./drivers.ts";
import { makeJobRunner } from "./jobs.ts";

export type DeliveryWorks = {
  delivery: Delivery;
  sources: Sources;
  webhooks: Webhooks;
  previews: Previews;
  statuses: CommitStatuses;
};

/** Builds the way from a pushed commit to a deployment out of real drivers. */
export async function makeDelivery(
  home: string,
  engine: Engine,
  {
    store,
    runtime,
    clock,
    ids,
    log,
    variables,
    updateNow,
    onRun,
    publisher,
  }: EngineParts & {
    publisher: Publisher;
    variables: Variables;
    updateNow: WebhookParts["updateNow"];
    /** Told what the log is told of a run. */
    onRun?: DeliveryParts["onNews"];
  },
): Promise<DeliveryWorks> {
  const sources = new GitSources({
    home,
    hookCommand: [process.execPath, join(import.meta.dirname, "post-receive.ts")],
  });
  const delivery = new Delivery({
    store,
    engine,
    runtime,
    sources,
    clock,
    ids,
    log,
    artefacts: join(home, "artefacts"),
    jobs: await makeJobRunner(runtime.name, home, log),
    gather: gatherBundle,
    variables: (scope, signal) => runVariables({ store, variables }, scope, signal),
    secrets: (scope) => runSecrets({ store, variables }, scope),
    mask: (scope, line) => variables.masks.mask(scope, line),
    onNews: (run) => {
      const waits = run.phases.find((phase) => phase.state === "waiting")?.detail;
      log("info", `run ${run.id} of ${run.source}: ${waits ?? run.state}`);
      onRun?.(run);
    },
    phases: [
      fetchPhase,
      jobsPhase,
      buildPhase,
      scanPhase(() => loadScanners(home, clock)),
      pushPhase((...call) => publisher.publish(...call)),
      stagePhase,
      approvePhase,
      deployPhase,
    ],
  });
  const parts = { store, clock, delivery, engine, sources, forges: loadForge, log };
  const previews = new Previews(parts);
  const webhooks = new Webhooks({ ...parts, previews, updateNow });
  return { delivery, sources, webhooks, previews, statuses: new CommitStatuses(parts) };
}
