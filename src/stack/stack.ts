import type { ComposeNetwork, ComposeService, ComposeVolume } from "./compose-model.ts";
import type { BackupsSettings } from "./x-roadstead-backups.ts";
import type { DependencyProbe } from "./x-roadstead-dependencies.ts";

/**
 * One Compose project's desired state: the normalised Compose services plus what `x-roadstead` and our defaults
 * say about running them in production. Everything downstream (planner, drivers, surfaces) reads this, never YAML.
 */
export type Stack = {
  name: string;
  /** `development`, `staging`, `production` or a free name. */
  environment: string;
  services: readonly Service[];
  networks: Readonly<Record<string, ComposeNetwork>>;
  volumes: Readonly<Record<string, ComposeVolume>>;
  /** Secrets and configs: where each one's content comes from; contents travel beside the stack, never in it. */
  files: readonly StackFile[];
  /** As written; absent: the defaults hold. */
  backups?: BackupsSettings;
  /** Outside services that are probed. @default none */
  outside?: readonly DependencyProbe[];
};

export type ServiceKind = "web" | "worker" | "static" | "database" | "job";

export type StrategyName = "recreate" | "rolling" | "blue-green" | "canary" | "singleton";

export type Service = {
  name: string;
  kind: ServiceKind;
  replicas: number;
  strategy: StrategyName;
  /** Present exactly when `strategy` is `canary`. */
  canary?: CanaryPolicy;
  /** The rollback window: how long replaced replicas stay warm. */
  keepWarmSeconds: number;
  /** In-flight requests and open WebSockets of a replaced replica get this long before they are closed. */
  drainSeconds: number;
  /** A new replica must become ready within this time. */
  readyTimeoutSeconds: number;
  /** SIGTERM (or `stop_signal`) to SIGKILL. */
  stopGraceSeconds: number;
  /** The longest that the edge holds requests while a singleton or recreated service is switched. */
  holdSeconds: number;
  dependsOn: readonly Dependency[];
  /** Public entries of this service on the edge. */
  routes: readonly Route[];
  /** Ports that the service is known to listen on, first the main one. */
  ports: readonly ServicePort[];
  /** `proxied`: other services reach it through a stable address on the edge. `direct`: by the runtime's own name resolution. */
  addressing: "proxied" | "direct";
  /** How readiness is decided. */
  probe: Probe;
  /** Runs once per release, in the new image, before the release takes traffic. */
  releaseJob?: ReleaseJob;
  /** Requests through the real edge that must answer as written after the cut-over. */
  smoke: readonly SmokeCheck[];
  sticky: boolean;
  /** Requests larger than this are refused by the edge with 413. */
  bodyLimitBytes?: number;
  rateLimit?: RateLimit;
  /** `kind: static`: the folder served, absolute, whether unknown paths give index.html, and run-time values. */
  site?: Site;
  /** Of a database: how many connections it accepts; of others: how many each replica opens, as written. */
  connections?: number;
  /** Of a database: statements that take longer are slow. */
  slowQuerySeconds?: number;
  /** Newer images of the registry are rolled out by themselves. */
  update?: UpdatePolicy;
  compose: ComposeService;
};

/** `config`: values that pages get at run time as `/config.js`. */
export type Site = { root: string; spa: boolean; config?: Readonly<Record<string, string>> };

export type UpdatePolicy = {
  channel: UpdateChannel;
  everySeconds: number;
  /** Repositories that updates may come from. @default the image's own */
  allow?: readonly string[];
};

/** Which images count as newer; `tag`: whatever that tag points at. */
export type UpdateChannel = { kind: "pinned" | "patch" | "minor" } | { kind: "tag"; tag: string };

export type Dependency = {
  service: string;
  condition: "started" | "ready" | "completed";
  /** `false`: a missing or failed dependency only warns. */
  required: boolean;
};

export type Route = {
  host: string;
  /** Starts with a slash; matches whole segments, longest first. */
  path: string;
  /** Container port that gets the requests. */
  port: number;
  /** Removes `path` before the request goes on. */
  stripPath: boolean;
};

export type ServicePort = { port: number; protocol: "http" | "tcp" | "udp"; published?: PublishedPort };

/**
 * A Compose `ports` entry; `hostIp` is 127.0.0.1 unless the file says otherwise. Those of stateless services are
 * served by the edge, so that they survive a redeploy; the rest are bound by the runtime.
 */
export type PublishedPort = { hostIp: string; port: number; by: "edge" | "runtime" };

export type Probe =
  | ({ kind: "http"; path: string; port: number; expect: readonly number[] } & ProbeTiming)
  | ({ kind: "tcp"; port: number } & ProbeTiming)
  /** Run inside the replica; `shell` is Compose's CMD-SHELL. */
  | ({ kind: "exec"; argv: readonly string[]; shell: boolean } & ProbeTiming)
  /** Alive for `stableSeconds` without an exit. */
  | ({ kind: "alive"; stableSeconds: number } & ProbeTiming);

export type ProbeTiming = {
  intervalSeconds: number;
  timeoutSeconds: number;
  retries: number;
  startPeriodSeconds: number;
};

export type ReleaseJob = { argv: readonly string[]; timeoutSeconds: number; snapshot: boolean };

export type SmokeCheck = { method: string; path: string; status: number; contains?: string };

export type RateLimit = { requestsPerSecond: number; burst: number };

export type CanaryPolicy = {
  steps: readonly { weight: number; forSeconds: number }[];
  /** 0.01 is one per cent. */
  maxErrorRate: number;
  maxP95Seconds: number;
  minRequests: number;
};

export type StackFile = {
  kind: "secret" | "config";
  name: string;
  source:
    | { from: "file"; path: string }
    | { from: "environment"; variable: string }
    | { from: "inline" }
    | { from: "external" };
};
