import type { DeploymentId, ReleaseId, Scope } from "../rollout/ids.ts";
import type { Plan } from "../rollout/step.ts";
import type { ServiceKind, StrategyName } from "../stack/stack.ts";
import type { Deployment, DeployRequest } from "../store/port.ts";

/**
 * What the surfaces (API, later the forge and the scheduler) may ask of the engine. Every change is accepted
 * durably before the call returns and then carried out by the reconciler; refusals are `PlatformError`s.
 */
export interface Engine {
  /** The steps that a deploy would take now, without taking any. Refuses what `deploy` would refuse. */
  plan(scope: Scope, request: DeployRequest): Promise<Plan>;
  /** Validates, queues, and supersedes an older deployment of the scope that is still queued. */
  deploy(scope: Scope, request: DeployRequest, by: Actor): Deployment;
  /** Makes an earlier release current; without one, the release that was current before. */
  rollback(scope: Scope, release: ReleaseId | undefined, by: Actor): Deployment;
  /** Ends the canary of the running deployment with a pass: all traffic to the new release now. */
  promote(scope: Scope, by: Actor): Deployment;
  /** Stops the running deployment and returns to what was current; a queued one is dropped. */
  abort(scope: Scope, by: Actor): Deployment;
  /** No services: all of them. */
  restart(scope: Scope, services: readonly string[], by: Actor): Deployment;
  stop(scope: Scope, services: readonly string[], by: Actor): Deployment;
  start(scope: Scope, services: readonly string[], by: Actor): Deployment;
  scale(scope: Scope, replicas: Readonly<Record<string, number>>, by: Actor): Deployment;
  /** Removes routes, replicas and networks of the scope; its volumes only when asked. */
  down(scope: Scope, options: { volumes: boolean }, by: Actor): Deployment;

  status(scope: Scope): Promise<ScopeStatus>;
  list(): Promise<ScopeStatus[]>;
}

export type Actor = {
  name: string;
  reason: string;
  /** Other names of the same person: the author of a commit must not approve it under their e-mail address. */
  aliases?: readonly string[];
  /** The address that the request came from. */
  from?: string;
};

export type ScopeStatus = {
  scope: Scope;
  current?: { id: ReleaseId; number: number; label: string; createdAt: number };
  warm: readonly { id: ReleaseId; number: number; until: number }[];
  /** Queued or running now. */
  deployment?: {
    id: DeploymentId;
    state: Deployment["state"];
    kind: Deployment["kind"];
    release?: ReleaseId;
  };
  /** Why the runtime could not say what runs: the services are those of the store, in state `unknown`, without replicas. */
  unobserved?: { code: string; message: string; hint?: string };
  services: readonly ServiceStatus[];
};

export type ServiceStatus = {
  name: string;
  kind: ServiceKind;
  strategy: StrategyName;
  state: "healthy" | "degraded" | "down" | "stopped" | "starting" | "completed" | "crash-looping" | "unknown";
  /** One sentence when not healthy: which probe, which exit code. */
  message?: string;
  wanted: number;
  urls: readonly string[];
  /** Stable internal address, e.g. `api:3000 (127.77.0.4:3000)`. */
  address?: string;
  replicas: readonly ReplicaStatus[];
};

export type ReplicaStatus = {
  id: string;
  revision: string;
  /** Number of the release that created it. */
  release?: number;
  /** Serves the current release, is kept warm, or is left over from one withdrawn. */
  role: "current" | "warm" | "incoming";
  state: "created" | "running" | "exited";
  ready: boolean;
  reason?: string;
  /** Share of the service's traffic, 0..100. */
  trafficPercent: number;
  address?: string;
  startedAt?: number;
  restarts: number;
  exitCode?: number;
};
