import type { Grant } from "../policy/permissions.ts";
import type { DeploymentId, ImageDigest, ReleaseId, ReplicaId, Scope } from "../rollout/ids.ts";
import type { StandIns } from "../rollout/stand-ins.ts";
import type { Step } from "../rollout/step.ts";

/**
 * Durable state of the control plane: domain values in and out, no SQL outside the drivers. Every mutating call is
 * one transaction: after it returns the change survives a crash, and a crash before leaves nothing of it.
 */
export interface Store {
  readonly name: string;
  releases: ReleaseStore;
  deployments: DeploymentStore;
  scopes: ScopeStore;
  leases: LeaseStore;
  audit: AuditStore;
  tokens: TokenStore;
  secrets: SecretStore;
  records: RecordStore;
  /**
   * Makes all changes of `work` one transaction (a change and its audit entry): all of them hold, or, when it throws,
   * none. `work` must not await. Nested calls join the outer one; listeners of `onAppend` hear of it after the end.
   */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** Immutable once written. */
export type Release = {
  id: ReleaseId;
  scope: Scope;
  /** Counts up per scope from 1: `v1`, `v2`, … is how people name it. */
  number: number;
  createdAt: number;
  /** Free label, e.g. a tag or commit; may be empty. */
  label: string;
  bundle: Bundle;
  /** SHA-256 of the resolved configuration. */
  configHash: string;
  /** Service -> what it runs. */
  images: Readonly<
    Record<
      string,
      { digest: ImageDigest; reference: string; description: string; exposedPorts: readonly number[] }
    >
  >;
  /** Secret or config name -> version. */
  fileVersions: Readonly<Record<string, string>>;
};

/** Everything the loader read: Compose text, env files and the variables used, so that a release can be resolved again anywhere. */
export type Bundle = {
  /** Absolute folder that relative paths start from. */
  projectDirectory: string;
  /** Absolute paths of the `-f` files, in order. */
  composeFiles: readonly string[];
  /** Absolute path -> text of every Compose, env and label file that was read. Never secret contents. */
  texts: Readonly<Record<string, string>>;
  /** Interpolation variables that were looked up and set. */
  variables: Readonly<Record<string, string>>;
  profiles: readonly string[];
  projectName?: string;
  /** Absolute paths of the files that were named instead of `.env`, in order; their texts are among `texts`. */
  envFiles?: readonly string[];
};

export interface ReleaseStore {
  /** Assigns the next number of the scope. */
  create(release: Omit<Release, "number">): Release;
  get(id: ReleaseId): Release | undefined;
  /** Newest first. */
  list(scope: Scope, limit: number): Release[];
}

export type DeploymentState =
  | "queued"
  | "running"
  | "returning"
  | "succeeded"
  | "failed"
  | "aborted"
  | "superseded";

export type Deployment = {
  id: DeploymentId;
  scope: Scope;
  kind: "deploy" | "rollback" | "restart" | "scale" | "stop" | "start" | "down";
  state: DeploymentState;
  /** Unknown until the images of a new release are resolved. */
  release?: ReleaseId;
  /** What was current when it began: where a failure returns to. */
  previous?: ReleaseId;
  /** The wish of a deploy that has no release yet. */
  request?: DeployRequest;
  requestedBy: string;
  reason: string;
  createdAt: number;
  startedAt?: number;
  /** All traffic on the new release. */
  cutOverAt?: number;
  finishedAt?: number;
  /** What a restart, scale, stop, start or down was asked to do. */
  operation?: {
    services?: readonly string[];
    replicas?: Readonly<Record<string, number>>;
    volumes?: boolean;
    /** A restart that puts these volumes in the place of others; null: what was there from the start. */
    standIns?: Readonly<Record<string, string | null>>;
  };
  /** Operator settings before and after, fixed when it begins: a failure returns to the former. */
  before?: Overrides;
  after?: Overrides;
  /** Set by an operator; acted on between steps. */
  control?: "abort" | "promote";
  failure?: DeploymentFailure;
};

export type DeployRequest = {
  bundle: Bundle;
  label: string;
  services: readonly string[];
  fileVersions: Readonly<Record<string, string>>;
  /** Services whose image is this one, whatever their tag points at now. */
  pinnedImages?: Readonly<Record<string, PinnedImage>>;
  /** With the images of the current release, for what they are there: only settings have changed. */
  keepImages?: boolean;
};

/** An exact image of a registry, and the name that it goes by. */
export type PinnedImage = { reference: string; digest: ImageDigest };

/** Why it failed, in one screen. */
export type DeploymentFailure = {
  code: string;
  message: string;
  hint?: string;
  step?: Step;
  service?: string;
  /** The failing probe's reason and body. */
  probe?: { reason: string; body?: string };
  exitCode?: number;
  lastLines?: readonly string[];
  /** What serves now. */
  outcome?: string;
};

export type JournalEntry = {
  /** Counts up over the whole store; also the server-sent event id. */
  seq: number;
  deployment: DeploymentId;
  at: number;
} & (
  | { event: "stepStarted"; key: string; step: Step; wave: number; total: number; done: number }
  | { event: "stepDone"; key: string; step: Step; durationMs: number; result?: StepResult }
  | { event: "stepFailed"; key: string; step: Step; durationMs: number; failure: DeploymentFailure }
  | { event: "stateChanged"; state: DeploymentState; message: string }
  | { event: "output"; key: string; line: string }
);

/** What a step learned that later planning needs. */
export type StepResult =
  | {
      kind: "image";
      digest: ImageDigest;
      reference: string;
      description: string;
      exposedPorts: readonly number[];
    }
  | { kind: "job"; exitCode: number }
  | { kind: "verdict"; verdict: "pass" | "fail" | "inconclusive"; detail: string }
  | { kind: "smoke"; passed: number };

export interface DeploymentStore {
  create(deployment: Deployment): void;
  get(id: DeploymentId): Deployment | undefined;
  /** Replaces the given fields. */
  update(id: DeploymentId, changes: Partial<Omit<Deployment, "id" | "scope">>): void;
  /** Newest first. */
  list(scope: Scope | "all", limit: number): Deployment[];
  /** Queued, running and returning ones, oldest first. */
  unfinished(scope: Scope | "all"): Deployment[];
  append(entry: DistributiveOmit<JournalEntry, "seq">): JournalEntry;
  /** Entries after `afterSeq` in order; at most `limit`, so that a long journal can be read in pieces. */
  journal(id: DeploymentId, afterSeq: number, limit?: number): JournalEntry[];
  /** Called after each append, in this process only. Returns the way to stop it. */
  onAppend(listener: (entry: JournalEntry) => void): () => void;
}

export type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What an operator changed on top of the release. */
export type Overrides = Pick<ScopeState, "scale" | "stopped" | "restarts" | "standIns">;

/** The mutable facts of one stack and environment. */
export type ScopeState = {
  scope: Scope;
  current?: ReleaseId;
  /** Replaced or withdrawn releases whose replicas are kept until then, with the restart counters they ran under. */
  warm: readonly WarmRelease[];
  /** Service -> replica count that overrides the release's. */
  scale: Readonly<Record<string, number>>;
  stopped: readonly string[];
  /** Cut off after a breach: no route and no internal address of it is served. */
  isolated?: boolean;
  /** Service -> counter that is part of the revision, so that a restart is a rollout. */
  restarts: Readonly<Record<string, number>>;
  /** Volumes that a restore has put in the place of others. */
  standIns?: StandIns;
  /** Service -> traffic as last sent to the edge; the source of the edge configuration. */
  routing: Readonly<Record<string, ServiceRouting>>;
  addresses: readonly { service: string; host: string; network?: string; allow: readonly string[] }[];
};

export type WarmRelease = {
  release: ReleaseId;
  until: number;
  restarts: Readonly<Record<string, number>>;
  /** It failed or was aborted: kept to be looked at, not to go back to. */
  withdrawn?: boolean;
};

export type ServiceRouting = {
  /** The release whose routes, ports and limits of this service are in force. */
  release: ReleaseId;
  targets: readonly RoutedReplica[];
  hold: boolean;
  holdSeconds: number;
};

export type RoutedReplica = {
  replica: ReplicaId;
  host: string;
  /** Container port -> port at `host`, where they differ. */
  portMap: Readonly<Record<number, number>>;
  weight: number;
};

export interface ScopeStore {
  get(scope: Scope): ScopeState | undefined;
  list(): ScopeState[];
  /** Creates it when missing; `change` gets the present state and must not await. */
  update(scope: Scope, change: (state: ScopeState) => ScopeState): ScopeState;
  remove(scope: Scope): void;
  /** Strictly increasing over the life of the store: the version of the edge configuration. */
  nextEdgeVersion(): number;
}

export interface LeaseStore {
  /** True when `holder` has the lease on `name` until `now + ttlMs` (taken, renewed, or taken over after expiry). */
  acquire(name: string, holder: string, ttlMs: number, now: number): boolean;
  release(name: string, holder: string): void;
}

/** One change by one actor; each entry's hash covers the one before. */
export type AuditEntry = {
  seq: number;
  at: number;
  actor: string;
  action: string;
  target: string;
  detail: Readonly<Record<string, unknown>>;
  hash: string;
};

export interface AuditStore {
  append(entry: Omit<AuditEntry, "seq" | "hash">): AuditEntry;
  /** Newest first. */
  list(limit: number, before?: number): AuditEntry[];
  /** Recomputes the chain; the first entry that does not fit, or undefined. */
  verify(): AuditEntry | undefined;
}

export type ApiToken = {
  id: string;
  name: string;
  createdAt: number;
  lastUsedAt?: number;
  /** Absent: everything, everywhere. */
  grants?: readonly Grant[];
  expiresAt?: number;
  /** Id of the user who made it: it can never do more than they can. */
  owner?: string;
};

export interface TokenStore {
  /** Stores only a hash of the token. */
  create(token: Omit<ApiToken, "lastUsedAt"> & { secretHash: string }): void;
  findByHash(secretHash: string): ApiToken | undefined;
  /** Records the last use. */
  touch(id: string, at: number): void;
  list(): ApiToken[];
  remove(id: string): void;
}

/** Contents of Compose secrets and configs, encrypted at rest, by content version. */
export interface SecretStore {
  /** Returns the version: the same content has the same version. */
  put(scope: Scope, name: string, content: Uint8Array): string;
  get(scope: Scope, name: string, version: string): Uint8Array | undefined;
}

/**
 * Facts of the ports that keep little (sources, runs, gates): JSON values by collection and key. The folder that owns a
 * collection owns its type and is the only one that reads it.
 */
export interface RecordStore {
  get<T>(collection: string, key: string): T | undefined;
  put<T>(collection: string, key: string, value: T): void;
  remove(collection: string, key: string): void;
  /** Ordered by key. */
  list<T>(collection: string, query?: RecordQuery): { key: string; value: T }[];
}

export type RecordQuery = {
  prefix?: string;
  /** Only keys beyond this one, in the order of the answer. */
  after?: string;
  /** @default 1000 */
  limit?: number;
  newestFirst?: boolean;
};
