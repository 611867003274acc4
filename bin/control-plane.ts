import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureFirstToken } from "../src/api/auth/token.ts";
import { createServer } from "../src/api/server.ts";
import { DirectGates } from "../src/delivery/direct-gates.ts";
import { writeFileAtomic } from "../src/lib/atomic-file.ts";
import { systemClock } from "../src/lib/clock.ts";
import { randomIds } from "../src/lib/ids.ts";
import { messageOf } from "../src/lib/platform-error.ts";
import { ControlEngine } from "../src/reconciler/control-engine.ts";
import { defaultSettings, type EngineParts } from "../src/reconciler/parts.ts";
import type { Scope } from "../src/rollout/ids.ts";
import { openStoreOfHome } from "../src/store/drivers/sqlite-rotation.ts";
import { makeAccess } from "./access.ts";
import { makeAlerts } from "./alerting.ts";
import { loadCertificates } from "./certificates.ts";
import { makeDelivery } from "./delivery.ts";
import { makeEdge, makeRuntime } from "./drivers.ts";
import { holdHome } from "./hold-home.ts";
import { makeImageWorks } from "./images.ts";
import { jsonLog } from "./json-log.ts";
import { parseListener } from "./listener.ts";
import { makeLogs } from "./logs.ts";
import { makeRecoveryOf } from "./recovery.ts";
import { makeRegistry, makeUpdatesOf } from "./registry.ts";
import { requestThroughEdge } from "./request-through-edge.ts";
import { loadBundle, resolveBundle } from "./resolve-bundle.ts";
import { makeRestores } from "./restores.ts";
import { makeVariablesOf } from "./secrets.ts";
import { makeServerLoss } from "./server-loss.ts";
import { makeWatchOf, openTelemetry } from "./telemetry.ts";
import { makeVault } from "./vault.ts";

/** Longer than the registry takes; without it the rest starts all the same. */
const registryStartMs = 30_000;

/** Builds the control plane from real drivers and starts it. Replicas and edge are processes of their own and go on without it. */
export async function startControlPlane(
  argv: readonly string[],
  onJournal?: EngineParts["onJournal"],
): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      home: { type: "string" },
      runtime: { type: "string", default: "process" },
      edge: { type: "string", default: "embedded" },
      http: { type: "string", default: "127.0.0.1:8080" },
      https: { type: "string", default: "127.0.0.1:8443" },
      api: { type: "string", default: "127.0.0.1:7700" },
      registry: { type: "string" },
      "take-back": { type: "string" },
      "allow-host": { type: "string", multiple: true, default: [] },
    },
  });
  const { home } = values;
  if (home === undefined) throw new Error("--home is needed");
  prepareHome(home);
  const log = jsonLog(process.stderr);
  await holdHome(home);
  const clock = systemClock;
  const ids = randomIds(clock.now);
  const http = parseListener(values.http);
  const { store, rotateKey } = openStoreOfHome({
    path: join(home, "roadstead.db"),
    keyPath: join(home, "key"),
  });
  const token = ensureFirstToken(store, ids, clock);
  if (token !== undefined) await writeFileAtomic(join(home, "token"), `${token}\n`);
  const runtime = await makeRuntime(values.runtime, home);
  const edge = await makeEdge(values.edge, home);
  const variables = makeVariablesOf(home, { store, clock });
  const kept = makeLogs(home, { runtime, edge, clock, log, masks: variables.masks });
  const parts: EngineParts = {
    store,
    runtime,
    edge,
    clock,
    ids,
    settings: {
      ...defaultSettings,
      holder: home,
      http,
      https: parseListener(values.https),
      certificates: await loadCertificates(home),
      sitesFolder: join(home, "sites"),
    },
    resolve: resolveBundle,
    request: requestThroughEdge(http),
    mask: (scope, text) => variables.masks.mask(scope, text),
    beforeRemove: (replica) => kept.collector.settle(replica),
    log,
    onHealth: (change) => {
      alerts.alerting.noteHealth(change);
      recovery.onHealth(change);
    },
    ...(onJournal ? { onJournal } : {}),
  };
  const engine = new ControlEngine(parts);
  const registry = makeRegistry(home);
  const images = await makeImageWorks(home, values.registry, { ...parts, registry });
  const telemetry = openTelemetry(home);
  const watch = makeWatchOf(home, { ...parts, engine, telemetry, version: packageVersion() });
  const alerts = makeAlerts({
    ...parts,
    telemetry,
    mask: (scope, text) => variables.masks.mask(scope, text),
    backups: () => backups.facts(),
  });
  const { onUpdate, onRun } = alerts;
  const backups = makeVault(home, { ...parts, notify: alerts.notify });
  const restores = makeRestores(home, { ...parts, ...backups, engine, notify: alerts.notify });
  const recovery = makeRecoveryOf(home, { ...parts, ...backups, ...restores, engine, alerts, variables });
  const updates = makeUpdatesOf(engine, { ...parts, registry, onUpdate });
  const updateNow = (scope: Scope, services: readonly string[]) => updates.updater.poke(scope, services);
  const { statuses, ...works } = await makeDelivery(home, engine, {
    ...parts,
    ...images,
    variables,
    updateNow,
    onRun,
  });
  const halt = async () => {
    await Promise.all([
      loss.states.stop(),
      loss.recovery.stop(),
      recovery.stop(),
      restores.restorer.stop(),
      restores.points.stop(),
      backups.vault.stop(),
    ]);
    await Promise.all([updates.stop(), works.previews.stop(), works.delivery.stop(), statuses.stop()]);
    await engine.reconciler.stop();
  };
  const { notify } = alerts;
  const loss = makeServerLoss(home, { ...parts, engine, ...backups, notify, halt });
  const version = packageVersion();
  const server = createServer({
    engine,
    runtime,
    logs: kept.logs,
    store,
    ...(await makeAccess(home, { store, clock, ids })),
    ...works,
    variables,
    gates: new DirectGates({ store, clock, load: loadBundle }),
    updates,
    images,
    alerts,
    recovery,
    backups,
    restores,
    serverLoss: loss,
    telemetry,
    openMetrics: watch.openMetrics,
    slowQueries: watch.slowQueries,
    rotateKey,
    clock,
    ids,
    resolve: resolveBundle,
    request: parts.request,
    log,
    version,
    edgeName: edge.name,
    allowedHosts: values["allow-host"],
    webFolder: join(import.meta.dirname, "..", "web", "dist"),
  });
  if (values["take-back"] !== undefined) await loss.fence.takeBack(values["take-back"]);
  const fenced = await loss.fence.atStart();
  if (!fenced) await engine.reconciler.start();
  kept.collector.start();
  const address = await server.listen(parseListener(values.api));
  loss.fence.start();
  await images.start(AbortSignal.timeout(registryStartMs));
  alerts.start();
  watch.start();
  const begin = () => {
    statuses.start();
    works.delivery.start();
    updates.start();
    backups.vault.start();
    restores.restorer.start();
    restores.points.start();
    recovery.start();
    works.previews.start();
    loss.states.start();
  };
  if (!fenced) loss.recovery.start(begin);
  flushCompileCache();
  log("info", `control plane ${version} listens at ${address}`, {
    runtime: runtime.name,
    edge: edge.name,
    home,
  });

  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log("info", `stopping on ${signal}; replicas and edge go on`);
    await server.close();
    await loss.fence.stop();
    await Promise.all([images.stop(), alerts.stop(), watch.stop()]);
    await halt();
    await kept.stop();
    await Promise.all([runtime.close(), edge.close()]);
    store.close();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        log("error", `stop failed: ${messageOf(error)}`);
        process.exit(1);
      });
    });
  }
}

/** Others may pass through (database servers run as another user) but read nothing: every file inside has its own mode. */
function prepareHome(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o711 });
  chmodSync(home, 0o711);
}

function packageVersion(): string {
  const text = readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

if (import.meta.main) {
  startControlPlane(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`roadstead: ${messageOf(error)}\n`);
    const hint =
      error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
    if (hint !== undefined) process.stderr.write(`  ${hint}\n`);
    process.exit(1);
  });
}
