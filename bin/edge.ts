import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openAdmin } from "../src/edge/proxy/admin-server.ts";
import { logLine } from "../src/edge/proxy/messages.ts";
import { Supervisor } from "../src/edge/proxy/supervisor.ts";
import { runWorker } from "../src/edge/proxy/worker.ts";
import { writeFileAtomic } from "../src/lib/atomic-file.ts";

/** The embedded edge: `edge.ts --home DIR [--workers N]`. Runs until SIGTERM, with or without a control plane. */
const drainLimitMs = 10_000;

async function runFirst(): Promise<void> {
  const { values } = parseArgs({
    options: { home: { type: "string" }, workers: { type: "string" } },
  });
  if (values.home === undefined) throw new Error("usage: edge.ts --home DIR [--workers N]");
  const home = resolve(values.home);
  const workers = Number(values.workers ?? Math.min(2, availableParallelism()));
  if (!Number.isInteger(workers) || workers < 1 || workers > 64) throw new Error("--workers must be 1 to 64");
  const supervisor = new Supervisor(home, workers);
  const admin = await openAdmin(home, supervisor);
  await supervisor.start();
  await writeFileAtomic(join(home, "edge", "edge.pid"), `${process.pid}\n`);
  logLine("edge started", { version: supervisor.version, workers });
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      logLine("edge stops", { signal });
      admin.close();
      supervisor.stop(drainLimitMs).then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
}

if (cluster.isPrimary)
  runFirst().catch((error: unknown) => {
    logLine("edge did not start", { detail: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  });
else runWorker();
