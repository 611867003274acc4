import { dirname, join } from "node:path";
import { ProcessJobRunner } from "../src/build/drivers/process.ts";
import { gatherBundle } from "../src/bundle/gather-bundle.ts";
import { Delivery } from "../src/delivery/delivery.ts";
import { buildPhase } from "../src/delivery/phases/build.ts";
import { deployPhase } from "../src/delivery/phases/deploy.ts";
import { fetchPhase } from "../src/delivery/phases/fetch.ts";
import { jobsPhase } from "../src/delivery/phases/jobs.ts";
import type { Variables } from "../src/delivery/variables.ts";
import type { Engine } from "../src/reconciler/engine.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { GitSources } from "../src/source/drivers/git.ts";
import type { Sources } from "../src/source/port.ts";

/** Builds the way from a pushed commit to a deployment out of real drivers. */
export function makeDelivery(
  home: string,
  engine: Engine,
  { store, runtime, clock, ids, log, variables }: EngineParts & { variables: Variables },
): { delivery: Delivery; sources: Sources } {
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
    jobs: new ProcessJobRunner({ folder: join(home, "jobs"), programs: [dirname(process.execPath)] }),
    gather: gatherBundle,
    variables: (scope, signal) => variables.environment.values(scope, signal),
    mask: (scope, line) => variables.masks.mask(scope, line),
    phases: [fetchPhase, jobsPhase, buildPhase, deployPhase],
  });
  return { delivery, sources };
}
