import { type Clock, systemClock } from "../../lib/clock.ts";
import { readDockerLogin } from "../../lib/docker-login.ts";
import type { ReplicaId, Scope } from "../../rollout/ids.ts";
import type { Probe } from "../../stack/stack.ts";
import { runtimeError } from "../errors.ts";
import type {
  ExecIo,
  HeldImage,
  ImageOnHost,
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
  RuntimeCapabilities,
  ScopeResources,
  ServiceAddress,
} from "../port.ts";
import { EngineClient } from "./docker/client.ts";
import { watchEvents } from "./docker/events.ts";
import { execInContainer } from "./docker/exec.ts";
import { exportImage } from "./docker/export-image.ts";
import { dropImage, heldImages } from "./docker/held-images.ts";
import { DockerHost } from "./docker/host.ts";
import { DockerImageCopies } from "./docker/image-copies.ts";
import { ensureImage } from "./docker/images.ts";
import { runJob } from "./docker/jobs.ts";
import { readLogs } from "./docker/logs.ts";
import { observedReplica, stateOf } from "./docker/observe.ts";
import { probeReplica } from "./docker/probes.ts";
import type { LoginOf } from "./docker/registry-auth.ts";
import { removeReplica, startReplica, stopReplica } from "./docker/replicas.ts";
import { ensureResources, removeResources } from "./docker/resources.ts";
import { StatsReader } from "./docker/stats.ts";
import { parseSubnet } from "./docker/subnets.ts";
import { DockerVolumeFiles } from "./docker/volume-files.ts";

export type DockerOptions = {
  /** Keeps secrets and configs as files, and the address books; made with mode 0700. */
  filesDirectory: string;
  /** @default "/var/run/docker.sock" */
  socketPath?: string;
  /** Value of the label `roadstead.managed-by`: two control planes on one host need two. @default "roadstead" */
  owner?: string;
  /** Networks without a written subnet get a /24 of this. @default "10.208.0.0/12" */
  subnetPool?: string;
  clock?: Clock;
  /** Logins of registries that images are pulled from. @default what `docker login` stored for this user */
  loginOf?: LoginOf;
  /** Limit for the RUN steps of all builds together. @default half of the host's memory */
  buildMemoryBytes?: number;
};

/** Replicas as containers of a Docker engine, through its API. Everything it makes is labelled; nothing else is touched. */
export class DockerRuntime implements Runtime {
  readonly name = "docker";
  readonly capabilities: RuntimeCapabilities = {
    limits: true,
    networkIsolation: true,
    sandbox: true,
    publishedPorts: true,
    registryImages: true,
  };
  readonly volumeFiles: DockerVolumeFiles;
  readonly imageCopies: DockerImageCopies;
  readonly #host: DockerHost;
  readonly #stats = new StatsReader();
  /** Work on one replica is done in the order it was asked for: the engine would answer the second with a conflict. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(options: DockerOptions) {
    const pool = parseSubnet(options.subnetPool ?? "10.208.0.0/12");
    if (pool === undefined || pool.prefix > 24) {
      throw runtimeError(
        "RUNTIME_UNSUPPORTED",
        `the subnet pool ${options.subnetPool} is not an IPv4 network`,
        {
          hint: "Write it like `10.208.0.0/12`; at least a /24.",
        },
      );
    }
    this.#host = new DockerHost({
      client: new EngineClient(options.socketPath ?? "/var/run/docker.sock"),
      owner: options.owner ?? "roadstead",
      filesDirectory: options.filesDirectory,
      subnetPool: pool,
      clock: options.clock ?? systemClock,
      loginOf:
        options.loginOf ??
        ((server, signal) => readDockerLogin(server, process.env["DOCKER_CONFIG"], signal)),
      ...(options.buildMemoryBytes === undefined ? {} : { buildMemoryBytes: options.buildMemoryBytes }),
    });
    this.volumeFiles = new DockerVolumeFiles(this.#host);
    this.imageCopies = new DockerImageCopies(this.#host);
  }

  async observe(scope: Scope | "all", signal: AbortSignal): Promise<ObservedReplica[]> {
    const containers = await this.#host.replicas(scope, signal);
    return containers
      .map(observedReplica)
      .filter((replica) => replica !== undefined)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  ensureImage(
    request: ImageRequest,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ResolvedImage> {
    return ensureImage(this.#host, request, onLine, signal);
  }

  exportImage(
    image: { digest: string; reference: string },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    return exportImage(this.#host, image, signal);
  }

  heldImages(known: readonly HeldImage[], signal: AbortSignal): Promise<ImageOnHost[]> {
    return heldImages(this.#host, known, signal);
  }

  dropImage(image: HeldImage, signal: AbortSignal): Promise<boolean> {
    return dropImage(this.#host, image, signal);
  }

  ensureResources(resources: ScopeResources, signal: AbortSignal): Promise<ServiceAddress[]> {
    const { stack, environment } = resources.scope;
    return this.#inTurn(`resources ${stack}/${environment}`, () =>
      ensureResources(this.#host, resources, signal),
    );
  }

  startReplica(spec: ReplicaSpec, signal: AbortSignal): Promise<void> {
    return this.#inTurn(spec.id, () => startReplica(this.#host, spec, signal));
  }

  stopReplica(id: ReplicaId, graceSeconds: number, signal: AbortSignal): Promise<void> {
    return this.#inTurn(id, () => stopReplica(this.#host, id, graceSeconds, signal));
  }

  removeReplica(id: ReplicaId, signal: AbortSignal): Promise<void> {
    return this.#inTurn(id, () => removeReplica(this.#host, id, signal));
  }

  runJob(spec: JobSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobOutcome> {
    return runJob(this.#host, spec, onLine, signal);
  }

  probe(id: ReplicaId, probe: Probe, signal: AbortSignal): Promise<ProbeResult> {
    return probeReplica(this.#host, id, probe, signal);
  }

  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    return readLogs(this.#host, query, signal);
  }

  stats(scope: Scope | "all", signal: AbortSignal): Promise<ReplicaStats[]> {
    return this.#stats.read(this.#host, scope, signal);
  }

  async exec(id: ReplicaId, argv: readonly string[], io: ExecIo, signal: AbortSignal): Promise<number> {
    const container = await this.#host.existing(id, signal);
    if (stateOf(container) !== "running") {
      throw runtimeError("RUNTIME_REPLICA_NOT_RUNNING", `${id} does not run`);
    }
    return await execInContainer(this.#host, { container: container.Id, argv, io }, signal);
  }

  watch(onChange: () => void, signal: AbortSignal): void {
    void watchEvents(this.#host, onChange, signal);
  }

  removeResources(scope: Scope, options: { volumes: boolean }, signal: AbortSignal): Promise<void> {
    return this.#inTurn(`resources ${scope.stack}/${scope.environment}`, () =>
      removeResources(this.#host, scope, options, signal),
    );
  }

  async close(): Promise<void> {
    this.#host.client.close();
  }

  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#queues.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(key) === mine) this.#queues.delete(key);
    }
  }
}
