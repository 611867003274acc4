import type { ImageDigest, ReleaseId, ReplicaId, Revision, Scope } from "../rollout/ids.ts";
import type { ComposeNetwork, ComposeService, ComposeVolume } from "../stack/compose-model.ts";
import type { Probe, ServicePort } from "../stack/stack.ts";

/**
 * Replicas, images, volumes and networks on one host. A driver translates; it decides nothing: no retries beyond
 * the transport's own, no policy, no clean-up of what it was not asked to remove. Every call is idempotent:
 * asking for a state that already holds succeeds and changes nothing. Failures are `PlatformError`s with the
 * codes of `errors.ts`. Objects that Roadstead did not create are never listed, changed or removed.
 */
export interface Runtime {
  readonly name: string;
  /** What this driver can't hold, as data: the plan names it before anything runs. */
  readonly capabilities: RuntimeCapabilities;

  /** All replicas of one stack and environment, stopped ones included, or of the whole host. One read, no side effect. */
  observe(scope: Scope | "all", signal: AbortSignal): Promise<ObservedReplica[]>;

  /** Makes the image present on this host and returns its immutable identity. Pulls or builds; `pull_policy` is honoured. */
  ensureImage(
    request: ImageRequest,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ResolvedImage>;

  /**
   * All layers of an image as one archive, in the form of `docker save`, for a scanner. Absent where images have no
   * layers. The caller reads it to its end or destroys it.
   */
  exportImage?(
    image: { digest: string; reference: string },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;

  /** Which of these are on this host under a name that Roadstead gave them. Absent where images take no room. */
  heldImages?(known: readonly HeldImage[], signal: AbortSignal): Promise<ImageOnHost[]>;

  /**
   * Takes Roadstead's own name off an image; what nobody else has named and nothing uses is then removed. Answers
   * whether the name is gone: an image that a container still uses keeps it.
   */
  dropImage?(image: HeldImage, signal: AbortSignal): Promise<boolean>;

  /** Whole images, out of this host and into another. Absent: this driver has none. */
  readonly imageCopies?: ImageCopies;

  /** Creates what is missing of the scope's networks and volumes, and a stable address for each service that wants one. */
  ensureResources(resources: ScopeResources, signal: AbortSignal): Promise<ServiceAddress[]>;

  /** Creates (if missing) and starts the replica. Returns once it was started, not once it is ready. */
  startReplica(spec: ReplicaSpec, signal: AbortSignal): Promise<void>;
  /** Stop signal, then SIGKILL after the grace period. The replica and its logs stay. A missing replica is success. */
  stopReplica(id: ReplicaId, graceSeconds: number, signal: AbortSignal): Promise<void>;
  /** Removes a replica (killed if it runs), never a volume or an image. A missing replica is success. */
  removeReplica(id: ReplicaId, signal: AbortSignal): Promise<void>;

  /** Runs the spec's argv to its end in a fresh replica of that image, which is removed afterwards; kills it at the time limit. */
  runJob(spec: JobSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobOutcome>;

  /** One probe from outside the image (http, tcp), inside it (exec), or of its life (alive). Never throws for a failing probe. */
  probe(id: ReplicaId, probe: Probe, signal: AbortSignal): Promise<ProbeResult>;

  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /** One sample of each running replica of the scope. */
  stats(scope: Scope | "all", signal: AbortSignal): Promise<ReplicaStats[]>;
  /** Runs argv inside a running replica, streaming both ways; resolves with its exit code. */
  exec(id: ReplicaId, argv: readonly string[], io: ExecIo, signal: AbortSignal): Promise<number>;

  /** Tells that something changed (a replica died, was started by hand): a nudge to observe, never a source of truth. */
  watch(onChange: () => void, signal: AbortSignal): void;

  /** The files of volumes, in and out. Absent: this driver keeps none. */
  readonly volumeFiles?: VolumeFiles;

  /** Removes the scope's networks; its volumes only if asked. Everything else must be gone before. */
  removeResources(scope: Scope, options: { volumes: boolean }, signal: AbortSignal): Promise<void>;

  /** Releases handles of this process; replicas go on. */
  close(): Promise<void>;
}

export type RuntimeCapabilities = {
  /** Memory, CPU and pids limits are enforced. */
  limits: boolean;
  /** Networks separate services from each other, and `internal` ones have no egress. */
  networkIsolation: boolean;
  /** `user`, `read_only`, capabilities and the like are enforced. */
  sandbox: boolean;
  /** Published host ports can be bound. */
  publishedPorts: boolean;
  /** An image of a registry is run by the registry's own digest, so that a newer one can be asked for. */
  registryImages: boolean;
};

export type ObservedReplica = {
  id: ReplicaId;
  scope: Scope;
  service: string;
  revision: Revision;
  ordinal: number;
  /** The release that created it; a later release with the same revision adopts it. */
  release: ReleaseId;
  state: "created" | "running" | "exited";
  /** Epoch ms of the last start. */
  startedAt?: number;
  exitedAt?: number;
  /** Of its latest end, also while it runs again. Absent when unknown, e.g. the process ended while nobody watched. */
  exitCode?: number;
  oomKilled: boolean;
  /** Restarts that the runtime did by itself since creation. */
  restarts: number;
  /** Where the edge reaches it. Absent while it does not run. */
  host?: string;
  /** Container port -> port at `host`, where they differ. */
  portMap: Readonly<Record<number, number>>;
  imageDigest?: ImageDigest;
};

export type ImageRequest = {
  scope: Scope;
  service: string;
  /** With `image`, `build`, `platform`, `pull_policy`, and for the process driver also `command` and `volumes`. */
  compose: ComposeService;
  /** The exact image wanted, when a release is made current again. */
  digest?: ImageDigest;
  /** Contents of the secrets that `build.secrets` names, by source; they must not appear in any log. */
  buildSecrets?: Readonly<Record<string, Uint8Array>>;
};

export type ResolvedImage = {
  digest: ImageDigest;
  /** The name it was asked for, e.g. `postgres:16`. */
  reference: string;
  /** What was really used, for people, e.g. `postgres 17.10 (local server)`. */
  description: string;
  /** EXPOSEd TCP ports, ascending. */
  exposedPorts: readonly number[];
};

/** An image of a release, as it was resolved for one service of a stack. */
export type HeldImage = { stack: string; service: string; digest: ImageDigest; reference: string };

export type ImageOnHost = HeldImage & {
  sizeBytes: number;
  /** A container runs it or could be started again from it, whoever made that. */
  inUse: boolean;
};

/** The stream is the driver's own: what one host gave, a host with the same driver takes. */
export interface ImageCopies {
  has(image: HeldImage, signal: AbortSignal): Promise<boolean>;
  /** Throws RUNTIME_IMAGE_UNAVAILABLE when it is not on this host. */
  give(image: HeldImage, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Makes it present under the digest that its releases know. An image that is there already is success. */
  take(image: HeldImage, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
}

export type ScopeResources = {
  scope: Scope;
  networks: Readonly<Record<string, ComposeNetwork>>;
  volumes: Readonly<Record<string, ComposeVolume>>;
  services: readonly {
    service: string;
    addressing: "proxied" | "direct";
    networks: readonly string[];
    /** Further names per network key (`networks.<key>.aliases`, `container_name`) by which peers may call it. */
    aliases?: Readonly<Record<string, readonly string[]>>;
  }[];
};

/**
 * A service's address as its peers use it: outlives every replica. For `proxied` services the edge listens there;
 * for `direct` ones the replica itself does. The docker driver returns none for `direct` (engine DNS does it).
 */
export type ServiceAddress = {
  service: string;
  host: string;
  /** Network key within which it is reachable; absent when there is only the host. */
  network?: string;
  /** Further names by which peers in that network may call it. */
  aliases?: readonly string[];
  /** Sources that may connect, as CIDR; the edge refuses others. Empty: no limit. */
  allow: readonly string[];
};

export type ReplicaSpec = {
  id: ReplicaId;
  scope: Scope;
  service: string;
  revision: Revision;
  ordinal: number;
  release: ReleaseId;
  image: ResolvedImage;
  compose: ComposeService;
  /** Known ports, the main one first. */
  ports: readonly ServicePort[];
  /** The whole environment, resolved; a driver may add PORT and HOST and point service URLs at addresses. */
  environment: Readonly<Record<string, string>>;
  /** Secrets and configs with their contents. */
  files: readonly MountedFile[];
  networks: Readonly<Record<string, ComposeNetwork>>;
  volumes: Readonly<Record<string, ComposeVolume>>;
  /** Addresses of all services of the stack, itself included. */
  addresses: readonly ServiceAddress[];
  addressing: "proxied" | "direct";
  /**
   * Its successor goes on with what lies in volumes that nobody named: those of the image, and those written with a
   * target only. Only for services that never run twice. @default false
   */
  keepsData?: boolean;
};

/**
 * Files of volumes and host folders as streams of `tar` (POSIX format, numeric owners, names below `./`). What is
 * written meanwhile may be in it or not; the archive as such is whole, or the stream throws.
 */
export interface VolumeFiles {
  /** Throws RUNTIME_RESOURCE_FAILED when it is not there. */
  archive(
    scope: Scope,
    tree: FileTree,
    options: { exclude: readonly string[] },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /** Makes the volume, labelled as the scope's, and fills it. Throws when it exists and holds something. */
  fill(
    scope: Scope,
    volume: ComposeVolume,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
  exists(scope: Scope, volume: ComposeVolume, signal: AbortSignal): Promise<boolean>;
  /** With all that it holds. A missing one is success; an external one, or one that a replica uses, is refused. */
  remove(scope: Scope, volume: ComposeVolume, signal: AbortSignal): Promise<void>;
  /** Where its files lie on this host, for tools that need a file rather than a stream. */
  folder(scope: Scope, volume: ComposeVolume, signal: AbortSignal): Promise<string>;
}

export type FileTree = { volume: ComposeVolume } | { hostPath: string };

/** The volume that stands for an unnamed one: the same for every revision of a replica. */
export function keptVolumeName({ scope, service, ordinal }: ReplicaSpec, target: string): string {
  const copy = ordinal === 1 ? "" : `.${ordinal}`;
  return `${scope.stack}_${service}${copy}${target.replaceAll(/[^\w.-]+/g, ".")}`;
}

export type MountedFile = {
  target: string;
  content: Uint8Array;
  mode: number;
  uid?: number;
  gid?: number;
};

export type JobSpec = ReplicaSpec & {
  /** Unique for this run. */
  jobId: string;
  /** Absent: the service's own command. */
  argv?: readonly string[];
  timeoutSeconds: number;
};

export type JobOutcome = {
  exitCode: number;
  timedOut: boolean;
  oomKilled: boolean;
  lastLines: readonly string[];
};

export type ProbeResult =
  | { ok: true; latencyMs: number }
  | {
      ok: false;
      /** One sentence, e.g. `GET http://172.18.0.4:3000/healthz answered 503`. */
      reason: string;
      /** First 500 characters of the answer, or of the command's output. */
      body?: string;
    };

export type LogQuery = {
  scope: Scope;
  services?: readonly string[];
  replica?: ReplicaId;
  /** Last n lines before following; absent: everything kept. */
  tail?: number;
  /** Epoch ms. */
  since?: number;
  follow: boolean;
  /**
   * With `follow` and `replica`: this one only, from `since` on, each stream in the order in which it was written; ends
   * when the replica has ended and everything was read. Nothing is read ahead of the caller, and a quiet replica costs
   * next to nothing.
   */
  untilEnd?: boolean;
};

export type LogLine = {
  replica: ReplicaId;
  service: string;
  stream: "stdout" | "stderr";
  /** Epoch ms, where the runtime records it. */
  at?: number;
  text: string;
};

export type ReplicaStats = {
  replica: ReplicaId;
  service: string;
  /** 1.0 is one core. */
  cpu: number;
  memoryBytes: number;
  memoryLimitBytes?: number;
  networkInBytes?: number;
  networkOutBytes?: number;
  diskReadBytes?: number;
  diskWriteBytes?: number;
  pids?: number;
};

export type ExecIo = {
  stdin?: AsyncIterable<Uint8Array>;
  /** A promise holds the program back until it resolves; when it rejects the program is killed and exec rejects. */
  onStdout: (chunk: Uint8Array) => void | Promise<void>;
  onStderr: (chunk: Uint8Array) => void;
  tty: boolean;
};
