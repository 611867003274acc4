import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { type ReplicaId, type Scope, scopeKey } from "../../rollout/ids.ts";
import type { Probe } from "../../stack/stack.ts";
import { runtimeError } from "../errors.ts";
import type {
  ExecIo,
  ImageRequest,
  JobOutcome,
  JobSpec,
  LogLine,
  LogQuery,
  ObservedReplica,
  ProbeResult,
  ReplicaSpec,
  ReplicaStats,
  ResolvedImage,
  Runtime,
  ScopeResources,
  ServiceAddress,
} from "../port.ts";
import { followReplica } from "./process/follow-replica.ts";
import { freePort } from "./process/free-port.ts";
import { ProcessImageCopies } from "./process/image-copies.ts";
import { ImageStore, type StoredImage } from "./process/image-store.ts";
import { Images } from "./process/images.ts";
import { Jobs } from "./process/jobs.ts";
import { type Launch, prepareLaunch } from "./process/launch.ts";
import { createLayout, type Layout, layoutOf } from "./process/layout.ts";
import { LogFiles } from "./process/log-files.ts";
import { probeReplica } from "./process/probe-replica.ts";
import { readLogs } from "./process/read-logs.ts";
import { realPaths } from "./process/real-paths.ts";
import { type ReplicaRecord, ReplicaRecords } from "./process/replica-records.ts";
import { Replicas } from "./process/replicas.ts";
import { Resources } from "./process/resources.ts";
import { runChild } from "./process/run-child.ts";
import { Serial } from "./process/serial.ts";
import { keptFolder, prepareServer, serverUser } from "./process/servers.ts";
import { UsageMeter } from "./process/usage-meter.ts";
import { ProcessVolumeFiles } from "./process/volume-files.ts";

/** How soon the end of a process that is not our child is noticed. */
const lookEveryMs = 1000;

/**
 * Runs services as processes of this machine, without containers. Replicas are detached and go on without the
 * control plane; what is known of them lies under `<home>/process`. Limits, networks, users and read-only file systems are not
 * enforced; paths inside the image are translated in arguments and environment values only (see `real-paths.ts`).
 */
export class ProcessRuntime implements Runtime {
  readonly name = "process";
  readonly capabilities = {
    limits: false,
    networkIsolation: false,
    sandbox: false,
    publishedPorts: false,
    registryImages: false,
  };
  readonly volumeFiles: ProcessVolumeFiles;
  readonly imageCopies: ProcessImageCopies;
  readonly #layout: Layout;
  readonly #clock: Clock;
  readonly #store: ImageStore;
  readonly #images: Images;
  readonly #resources: Resources;
  readonly #records: ReplicaRecords;
  readonly #logs: LogFiles;
  readonly #replicas: Replicas;
  readonly #jobs: Jobs;
  readonly #meter: UsageMeter;
  readonly #serial = new Serial();
  readonly #watchers = new Set<() => void>();
  readonly #ready: Promise<void>;
  #lookTimer: NodeJS.Timeout | undefined;

  /** `home`: folder for state, images, volumes and logs; as root it must be one that other users may pass through. */
  constructor(options: { home: string; clock?: Clock }) {
    this.#layout = layoutOf(resolve(options.home));
    this.#clock = options.clock ?? systemClock;
    this.#store = new ImageStore(this.#layout.images);
    this.#images = new Images(this.#store);
    this.imageCopies = new ProcessImageCopies(this.#store, () => this.#ready);
    this.#resources = new Resources(this.#layout);
    this.volumeFiles = new ProcessVolumeFiles(this.#layout, this.#resources, this.#serial);
    this.#records = new ReplicaRecords(this.#layout.replicas);
    this.#logs = new LogFiles(this.#layout.logs);
    this.#jobs = new Jobs(this.#layout.jobs);
    this.#meter = new UsageMeter(this.#clock);
    this.#replicas = new Replicas({
      records: this.#records,
      logs: this.#logs,
      clock: this.#clock,
      onChange: () => this.#nudge(),
    });
    this.#ready = this.#open();
    // The first call reports it; without one nobody needs to know.
    this.#ready.catch(() => undefined);
  }

  async observe(scope: Scope | "all", signal: AbortSignal): Promise<ObservedReplica[]> {
    await this.#enter(signal);
    const records = this.#of(scope);
    for (const record of records) this.#replicas.settle(record);
    return records.map(observed);
  }

  async ensureImage(
    request: ImageRequest,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ResolvedImage> {
    await this.#enter(signal);
    const { digest, reference, description, exposedPorts } = await this.#images.ensure(
      request,
      onLine,
      signal,
    );
    return { digest, reference, description, exposedPorts };
  }

  async ensureResources(resources: ScopeResources, signal: AbortSignal): Promise<ServiceAddress[]> {
    await this.#enter(signal);
    return this.#serial.run("resources", () => this.#resources.ensure(resources));
  }

  async startReplica(spec: ReplicaSpec, signal: AbortSignal): Promise<void> {
    await this.#enter(signal);
    await this.#serial.run(spec.id, async () => {
      const known = this.#records.get(spec.id);
      if (known) this.#replicas.settle(known);
      if (known?.state === "running") return;
      signal.throwIfAborted();
      const image = await this.#imageOf(spec);
      const record = await this.#serial.run("ports", () => this.#reserve(spec, image, known));
      const folder = this.#records.folderOf(spec.id);
      try {
        const launch = await this.#launch(spec, image, { folder, record, signal });
        const { cwd, mappings, stopSignal, runAs } = launch;
        Object.assign(record, { cwd, mappings, stopSignal, ...(runAs ? { runAs } : {}) });
        await this.#records.saveEnvironment(spec.id, launch.env);
        await this.#replicas.start(record, launch);
      } catch (error) {
        if (!known) await this.#records.remove(spec.id);
        throw error;
      }
    });
  }

  async stopReplica(id: ReplicaId, graceSeconds: number, signal: AbortSignal): Promise<void> {
    await this.#enter(signal);
    await this.#serial.run(id, async () => {
      const record = this.#records.get(id);
      if (record) await this.#replicas.stop(record, graceSeconds, signal);
    });
  }

  async removeReplica(id: ReplicaId, signal: AbortSignal): Promise<void> {
    await this.#enter(signal);
    await this.#serial.run(id, async () => {
      const record = this.#records.get(id);
      if (!record) return;
      await this.#replicas.kill(record, signal);
      await this.#records.remove(id);
      await this.#logs.remove(id);
      this.#nudge();
    });
  }

  async runJob(spec: JobSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobOutcome> {
    await this.#enter(signal);
    const image = await this.#imageOf(spec);
    const folder = this.#records.folderOf(spec.jobId);
    try {
      const launch = await this.#launch(spec, image, { folder, record: undefined, signal, argv: spec.argv });
      return await this.#jobs.run(spec, launch, onLine, signal);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async probe(id: ReplicaId, probe: Probe, signal: AbortSignal): Promise<ProbeResult> {
    await this.#enter(signal);
    const record = this.#records.get(id);
    if (!record) return { ok: false, reason: `replica ${id} does not exist` };
    this.#replicas.settle(record);
    if (record.state !== "running") return { ok: false, reason: `replica ${id} is not running` };
    const environment = () => this.#records.environmentOf(id);
    return probeReplica(record, probe, { now: this.#clock.now(), environment, signal });
  }

  async *logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    await this.#enter(signal);
    const host = {
      ...{ records: () => this.#records.all(), logs: this.#logs, clock: this.#clock },
      recordOf: (id: ReplicaId) => this.#records.all().find((record) => record.id === id),
      alone: <T>(id: ReplicaId, work: () => Promise<T>) => this.#serial.run(`logs ${id}`, work),
    };
    if (!query.untilEnd || query.replica === undefined) yield* readLogs(query, host, signal);
    else yield* followReplica(query.replica, query.since ?? 0, host, signal);
  }

  async stats(scope: Scope | "all", signal: AbortSignal): Promise<ReplicaStats[]> {
    await this.#enter(signal);
    const records = this.#of(scope);
    for (const record of records) this.#replicas.settle(record);
    return this.#meter.sample(
      records.filter((record) => record.state === "running"),
      signal,
    );
  }

  /** Without a terminal: `tty` gives pipes here. */
  async exec(id: ReplicaId, argv: readonly string[], io: ExecIo, signal: AbortSignal): Promise<number> {
    await this.#enter(signal);
    const record = this.#records.get(id);
    if (!record) throw runtimeError("RUNTIME_REPLICA_MISSING", `replica ${id} does not exist`);
    this.#replicas.settle(record);
    if (record.state !== "running" || !record.process)
      throw runtimeError("RUNTIME_REPLICA_NOT_RUNNING", `replica ${id} is not running`);
    const { exitCode } = await runChild(
      argv.map((word) => realPaths(word, record.mappings)),
      {
        cwd: record.cwd,
        env: await this.#records.environmentOf(id),
        ...(record.runAs === undefined ? {} : { runAs: record.runAs }),
        signal,
        ...(io.stdin === undefined ? {} : { stdin: io.stdin }),
        onStdout: io.onStdout,
        onStderr: io.onStderr,
      },
    );
    return exitCode;
  }

  watch(onChange: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#watchers.add(onChange);
    signal.addEventListener("abort", () => this.#watchers.delete(onChange), { once: true });
  }

  async removeResources(scope: Scope, options: { volumes: boolean }, signal: AbortSignal): Promise<void> {
    await this.#enter(signal);
    await this.#serial.run("resources", () => this.#resources.remove(scope, options));
  }

  async close(): Promise<void> {
    await this.#ready.catch(() => undefined);
    clearInterval(this.#lookTimer);
    this.#replicas.close();
    this.#watchers.clear();
  }

  async #open(): Promise<void> {
    await createLayout(this.#layout);
    await this.#records.load();
    await this.#replicas.adopt();
    // Their folders hold secrets.
    for (const jobId of await this.#jobs.endLeftovers())
      await rm(this.#records.folderOf(jobId), { recursive: true, force: true });
    await this.#store.removeUnfinished();
    this.#lookTimer = setInterval(() => this.#look(), lookEveryMs);
    this.#lookTimer.unref();
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#ready;
  }

  #look(): void {
    for (const record of this.#records.all()) {
      if (record.state !== "running") continue;
      this.#replicas.settle(record);
      // A full disk must not end the control plane; the next look tries again.
      this.#serial.run(`logs ${record.id}`, () => this.#logs.maintain(record.id)).catch(() => undefined);
    }
  }

  #of(scope: Scope | "all"): ReplicaRecord[] {
    const records = this.#records.all();
    if (scope === "all") return records;
    return records.filter((record) => scopeKey(record.scope) === scopeKey(scope));
  }

  async #imageOf(spec: ReplicaSpec): Promise<StoredImage> {
    const image = await this.#store.find(spec.image.digest);
    if (image) return image;
    throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `image ${spec.image.reference} is not on this host`);
  }

  /** Gives the replica its place: the service's own address if peers connect to it directly, else a free loopback port. */
  async #reserve(
    spec: ReplicaSpec,
    image: StoredImage,
    known: ReplicaRecord | undefined,
  ): Promise<ReplicaRecord> {
    const main = spec.ports[0]?.port ?? image.exposedPorts[0];
    const own = spec.addresses.find((address) => address.service === spec.service);
    const direct = spec.addressing === "direct" && own !== undefined && main !== undefined;
    const taken = new Set(
      this.#records
        .all()
        .filter((record) => record.id !== spec.id)
        .map((record) => record.assignedPort),
    );
    const port = direct ? main : await freePort(`${this.#layout.home} ${spec.id}`, taken);
    const { id, scope, service, revision, ordinal, release } = spec;
    const record: ReplicaRecord = {
      ...{ id, scope, service, revision, ordinal, release },
      imageDigest: image.digest,
      kind: image.kind,
      state: "created",
      startMark: "",
      host: direct ? own.host : "127.0.0.1",
      assignedPort: port,
      portMap: main === undefined || main === port ? {} : { [main]: port },
      cwd: "/",
      mappings: [],
      stopSignal: "SIGTERM",
    };
    await this.#records.save(Object.assign(known ?? record, record));
    return known ?? record;
  }

  async #launch(
    spec: ReplicaSpec,
    image: StoredImage,
    options: {
      folder: string;
      record: ReplicaRecord | undefined;
      signal: AbortSignal;
      argv?: readonly string[] | undefined;
    },
  ): Promise<Launch> {
    const runAs = await serverUser(image, this.#layout);
    const place = {
      folder: options.folder,
      volumes: this.#layout.volumes,
      root: this.#store.rootOf(image.digest),
      host: options.record?.host ?? "127.0.0.1",
      port: options.record?.assignedPort ?? 0,
      ...(runAs === undefined ? {} : { runAs }),
    };
    if ((image.kind !== "postgres" && image.kind !== "redis") || options.argv !== undefined)
      return prepareLaunch(spec, image, place, options.argv);
    if (spec.keepsData) {
      const name = keptFolder(spec, image.kind);
      await this.#serial.run("resources", () => this.#resources.keep(spec.scope, name));
    }
    return prepareServer(spec, image, { place, layout: this.#layout, signal: options.signal });
  }

  #nudge(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

function observed(record: ReplicaRecord): ObservedReplica {
  const { id, scope, service, revision, ordinal, release, state } = record;
  return {
    ...{ id, scope, service, revision, ordinal, release, state },
    ...(record.startedAt === undefined ? {} : { startedAt: record.startedAt }),
    ...(record.exitedAt === undefined ? {} : { exitedAt: record.exitedAt }),
    ...(record.exitCode === undefined ? {} : { exitCode: record.exitCode }),
    oomKilled: false,
    restarts: 0,
    ...(state === "running" ? { host: record.host } : {}),
    portMap: record.portMap,
    imageDigest: record.imageDigest,
  };
}
