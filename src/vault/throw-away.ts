import { backupError } from "../backup/errors.ts";
import type { DatabasePlace } from "../backup/sources/database-place.ts";
import type { Clock } from "../lib/clock.ts";
import { type Revision, replicaId, type Scope, scopeKey } from "../rollout/ids.ts";
import type { ReplicaSpec, Runtime } from "../runtime/port.ts";
import type { ComposeMount, ComposeService, ComposeVolume } from "../stack/compose-model.ts";
import type { Probe } from "../stack/stack.ts";
import { ReplicaPlace } from "./replica-place.ts";

/** A database as it serves: what its throw-away copy is made after. */
export type ServingDatabase = {
  /** Of its replica, or as it would be started. */
  spec: ReplicaSpec;
  probe: Probe;
  readyTimeoutSeconds: number;
};

export type ThrowAwayOptions = {
  /** Letters, digits and dashes; the same again begins anew. */
  id: string;
  clock: Clock;
  /** Key of a volume -> the one that is mounted instead of an empty one of its own; it stays. */
  volumes?: Readonly<Record<string, ComposeVolume>>;
};

const environmentPrefix = "verify-";
const revision = "throwaway0" as Revision;
const pollMs = 250;
const shutdownMs = 60_000;
const cleanUpMs = 120_000;

/**
 * Runs work on a fresh instance of a database: the same image, settings and secrets, but empty volumes of its own, no
 * routes and no published ports, in an environment that nothing else is in. Whatever happens it is gone afterwards,
 * its volumes too.
 */
export async function withThrowAway<T>(
  runtime: Runtime,
  serving: ServingDatabase,
  work: (place: DatabasePlace) => Promise<T>,
  options: ThrowAwayOptions & { signal: AbortSignal },
): Promise<T> {
  const { signal } = options;
  const scope = throwAwayScope(serving.spec.scope, options.id);
  await removeThrowAway(runtime, scope, signal);
  try {
    const spec = await prepare(runtime, serving.spec, { scope, volumes: options.volumes ?? {} }, signal);
    const ready = { ...serving, spec };
    await startUntilReady(runtime, ready, options);
    return await work(await placeOf(runtime, ready, options));
  } finally {
    // The caller's signal may be what ended the work.
    await removeThrowAway(runtime, scope, AbortSignal.timeout(cleanUpMs));
  }
}

/** Takes away what a killed control plane has left of one. */
export async function removeThrowAway(runtime: Runtime, scope: Scope, signal: AbortSignal): Promise<void> {
  if (!isThrowAway(scope)) throw new RangeError(`${scopeKey(scope)} is not a throw-away`);
  for (const { id } of await runtime.observe(scope, signal)) await runtime.removeReplica(id, signal);
  await runtime.removeResources(scope, { volumes: true }, signal);
}

/** Where a throw-away instance lives. */
export function throwAwayScope({ stack }: Scope, id: string): Scope {
  return { stack, environment: `${environmentPrefix}${id}` };
}

/** Whether an environment is one of ours, which others have to leave alone. */
export function isThrowAway({ environment }: Scope): boolean {
  return environment.startsWith(environmentPrefix);
}

/** The database that serves, as a place to run its tools in. */
export async function servingPlace(
  runtime: Runtime,
  serving: ServingDatabase,
  signal: AbortSignal,
): Promise<DatabasePlace> {
  const { spec } = serving;
  const replicas = await runtime.observe(spec.scope, signal);
  const found = replicas
    .filter(({ service, state }) => service === spec.service && state === "running")
    .sort((a, b) => a.ordinal - b.ordinal || (b.startedAt ?? 0) - (a.startedAt ?? 0))[0];
  if (!found)
    throw backupError("BACKUP_SOURCE_FAILED", `${spec.service} of ${scopeKey(spec.scope)} does not run`);
  return await placeOf(runtime, { ...serving, spec: { ...spec, id: found.id } }, { signal });
}

async function prepare(
  runtime: Runtime,
  serving: ReplicaSpec,
  { scope, volumes: given }: { scope: Scope; volumes: Readonly<Record<string, ComposeVolume>> },
  signal: AbortSignal,
): Promise<ReplicaSpec> {
  const { service } = serving;
  const compose = aloneAndEmpty(serving.compose);
  const networks = { default: { name: `${scope.stack}_default`, internal: true } };
  const volumes = { ...ownVolumes(scope, compose), ...given };
  const resources = { scope, networks, volumes };
  const services = [{ service, addressing: "direct" as const, networks: ["default"] }];
  const addresses = await runtime.ensureResources({ ...resources, services }, signal);
  return {
    ...serving,
    ...resources,
    id: replicaId(scope, service, revision, 0),
    revision,
    ordinal: 0,
    compose,
    ports: serving.ports.map(({ published: _host, ...port }) => port),
    addresses,
    addressing: "direct",
    // Volumes that nobody named get a name of the scope's, by which they are removed.
    keepsData: true,
  };
}

/** Set-up scripts would fill it before the copy comes; scripts and tables come back with the copy. */
const setUpFolder = "/docker-entrypoint-initdb.d";

function aloneAndEmpty(compose: ComposeService): ComposeService {
  const {
    ports: _ports,
    container_name: _name,
    network_mode: _mode,
    depends_on: _needs,
    tmpfs = [],
    volumes = [],
    ...rest
  } = compose;
  const isSetUp = ({ target }: ComposeMount) =>
    target === setUpFolder || target.startsWith(`${setUpFolder}/`);
  const kept = volumes.filter((mount) => !isSetUp(mount));
  return {
    ...rest,
    networks: { default: null },
    restart: "no",
    tmpfs: [...tmpfs, setUpFolder],
    volumes: kept.map((mount, at) => ownMount(mount, at)),
  };
}

/** A writable folder of the host is where the serving one keeps its data: never shared. */
function ownMount(mount: ComposeMount, at: number): ComposeMount {
  const isShared = mount.type === "bind" && mount.read_only !== true;
  if (!isShared) return mount;
  return { type: "volume", source: `bind${at}`, target: mount.target };
}

function ownVolumes(scope: Scope, compose: ComposeService): Record<string, ComposeVolume> {
  const keys = (compose.volumes ?? []).flatMap(({ type, source }) =>
    type === "volume" && source !== undefined ? [source] : [],
  );
  return Object.fromEntries(keys.map((key) => [key, { name: `${scope.stack}_${key}` }]));
}

type Starting = { clock: Clock; signal: AbortSignal };

async function startUntilReady(runtime: Runtime, serving: ServingDatabase, { clock, signal }: Starting) {
  const { spec, probe, readyTimeoutSeconds } = serving;
  await runtime.startReplica(spec, signal);
  const deadline = clock.now() + readyTimeoutSeconds * 1000;
  const probes = [...portProbe(spec), probe];
  for (;;) {
    const reason = await firstFailure(runtime, spec, probes, signal);
    if (reason === undefined) return;
    if (clock.now() > deadline)
      throw backupError("BACKUP_RESTORE_FAILED", `the throw-away ${spec.service} is not ready: ${reason}`);
    await clock.sleep(pollMs, signal);
  }
}

/** A server that was told to shut down takes a moment to. */
async function untilEnded(runtime: Runtime, { spec }: ServingDatabase, { clock, signal }: Starting) {
  const deadline = clock.now() + shutdownMs;
  for (;;) {
    const [replica] = (await runtime.observe(spec.scope, signal)).filter(({ id }) => id === spec.id);
    if (replica?.state !== "running") return;
    if (clock.now() > deadline)
      throw backupError("BACKUP_RESTORE_FAILED", `the throw-away ${spec.service} did not shut down`);
    await clock.sleep(pollMs, signal);
  }
}

/** While an image sets its database up, a server of its own answers inside, but not yet at the port. */
function portProbe({ ports }: ReplicaSpec): Probe[] {
  const [main] = ports;
  if (!main) return [];
  const timing = { intervalSeconds: 1, timeoutSeconds: 5, retries: 1, startPeriodSeconds: 0 };
  return [{ kind: "tcp", port: main.port, ...timing }];
}

async function firstFailure(
  runtime: Runtime,
  spec: ReplicaSpec,
  probes: readonly Probe[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const [replica] = (await runtime.observe(spec.scope, signal)).filter(({ id }) => id === spec.id);
  if (replica?.state === "exited")
    throw backupError("BACKUP_RESTORE_FAILED", await lastWords(runtime, spec, signal));
  for (const probe of probes) {
    const result = await runtime.probe(spec.id, probe, signal);
    if (!result.ok) return result.reason;
  }
  return undefined;
}

async function lastWords(runtime: Runtime, spec: ReplicaSpec, signal: AbortSignal): Promise<string> {
  const lines: string[] = [];
  const query = { scope: spec.scope, replica: spec.id, tail: 5, follow: false };
  for await (const { text } of runtime.logs(query, signal)) lines.push(text);
  return `the throw-away ${spec.service} ended: ${lines.join(" | ").slice(0, 500)}`;
}

async function placeOf(
  runtime: Runtime,
  serving: ServingDatabase,
  options: { clock?: Clock; signal: AbortSignal },
): Promise<DatabasePlace> {
  const { spec } = serving;
  const [replica] = (await runtime.observe(spec.scope, options.signal)).filter(({ id }) => id === spec.id);
  const port = spec.ports[0]?.port;
  const host = replica?.host;
  // Beside a process on an address of this host, not in a network of its own as in a container.
  const isBeside = host?.startsWith("127.") === true && port !== undefined;
  const { clock } = options;
  return new ReplicaPlace(runtime, spec.id, {
    name: `${scopeKey(spec.scope)}/${spec.service}`,
    environment: spec.environment,
    command: [...(spec.compose.entrypoint ?? []), ...(spec.compose.command ?? [])],
    ...(isBeside ? { address: { host, port: replica?.portMap[port] ?? port } } : {}),
    restart: async (signal) => {
      if (!clock) throw backupError("BACKUP_SOURCE_FAILED", "what serves is not restarted by a backup");
      await untilEnded(runtime, serving, { clock, signal });
      await startUntilReady(runtime, serving, { clock, signal });
    },
  });
}
