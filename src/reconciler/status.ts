import { PlatformError } from "../lib/platform-error.ts";
import type { DesiredService } from "../rollout/desired.ts";
import type { ReleaseId, Scope } from "../rollout/ids.ts";
import type { ObservedReplica } from "../runtime/port.ts";
import type { Service } from "../stack/stack.ts";
import type { ScopeState } from "../store/port.ts";
import type { ReplicaStatus, ScopeStatus, ServiceStatus } from "./engine.ts";
import { engineError } from "./errors.ts";
import { observeScope } from "./observe-scope.ts";
import type { EngineSettings } from "./parts.ts";
import type { Shared } from "./scope-worker.ts";

const observeLimitMs = 10_000;

/** Replicas as they are now, or why the runtime could not say. */
type Look = { replicas: readonly ObservedReplica[]; unobserved?: ScopeStatus["unobserved"] };

/**
 * What runs now, for people: fresh from the runtime, with readiness and traffic. Where the runtime cannot say, what the
 * store knows: somebody who looks because the host is in trouble must see something.
 */
export async function statusOf(shared: Shared, scope: Scope): Promise<ScopeStatus> {
  const { parts, book } = shared;
  const { store } = parts;
  const look = await lookAt(shared, scope);
  const state = store.scopes.get(scope);
  const [deployment] = store.deployments.unfinished(scope);
  const current = state?.current ? book.release(state.current) : undefined;
  const numberOf = (id: ReleaseId) => store.releases.get(id)?.number ?? 0;
  return {
    scope,
    ...(current
      ? {
          current: {
            id: current.id,
            number: current.number,
            label: current.label,
            createdAt: current.createdAt,
          },
        }
      : {}),
    warm: (state?.warm ?? [])
      .filter((entry) => !entry.withdrawn)
      .map(({ release, until }) => ({
        id: release,
        number: numberOf(release),
        until,
      })),
    ...(deployment
      ? {
          deployment: {
            id: deployment.id,
            state: deployment.state,
            kind: deployment.kind,
            ...(deployment.release ? { release: deployment.release } : {}),
          },
        }
      : {}),
    ...(look.unobserved ? { unobserved: look.unobserved } : {}),
    services: state?.current ? servicesOf(shared, state, state.current, look) : [],
  };
}

async function lookAt({ parts, book, tracker }: Shared, scope: Scope): Promise<Look> {
  const [over, late] = [new AbortController(), new AbortController()];
  const silent = engineError(
    "ENGINE_RUNTIME_SILENT",
    `the runtime did not answer within ${observeLimitMs / 1000} s`,
  );
  parts.clock.sleep(observeLimitMs, over.signal).then(
    () => late.abort(silent),
    // It answered in time.
    () => undefined,
  );
  try {
    const using = { tracker, book, resourcesReady: true };
    const { replicas } = await observeScope(parts, using, scope, late.signal);
    return { replicas: [...replicas.values()] };
  } catch (error) {
    const cause = late.signal.aborted ? silent : error;
    if (!(cause instanceof PlatformError)) throw cause;
    const { code, message, hint } = cause;
    return { replicas: [], unobserved: { code, message, ...(hint === undefined ? {} : { hint }) } };
  } finally {
    over.abort();
  }
}

function servicesOf(
  shared: Shared,
  state: ScopeState,
  release: ReleaseId,
  { replicas, unobserved }: Look,
): ServiceStatus[] {
  const desired = shared.book.desired(release, state);
  return shared.book.stack(release).services.map((service) => {
    const wish = desired.services.find((candidate) => candidate.name === service.name);
    const mine = replicas.filter((replica) => replica.service === service.name);
    return serviceStatus(shared, { service, wish, state, replicas: mine, unobserved });
  });
}

type ServiceFacts = {
  service: Service;
  wish: DesiredService | undefined;
  state: ScopeState;
  replicas: readonly ObservedReplica[];
  unobserved: ScopeStatus["unobserved"];
};

function serviceStatus(shared: Shared, facts: ServiceFacts): ServiceStatus {
  const { service, wish, state } = facts;
  const replicas = facts.replicas.map((replica) => replicaStatus(shared, replica, facts));
  const address = state.addresses.find((candidate) => candidate.service === service.name);
  const port = service.ports[0]?.port;
  const wanted = wish && !wish.oneShot && !wish.stopped ? wish.replicas : 0;
  return {
    name: service.name,
    kind: service.kind,
    strategy: service.strategy,
    ...judge(shared, facts, replicas, wanted),
    wanted,
    urls: urlsOf(service, shared.parts.settings),
    ...(address && port !== undefined
      ? { address: `${service.name}:${port} (${address.host}:${port})` }
      : {}),
    replicas,
  };
}

function judge(
  shared: Shared,
  { service, wish, state, unobserved }: ServiceFacts,
  replicas: readonly ReplicaStatus[],
  wanted: number,
): Pick<ServiceStatus, "state" | "message"> {
  if (state.stopped.includes(service.name)) return { state: "stopped" };
  if (service.kind === "static") return { state: "healthy" };
  if (wish?.oneShot) return { state: "completed" };
  if (wanted === 0) return { state: "stopped", message: "scaled to 0" };
  if (unobserved) return { state: "unknown", message: unobserved.message };
  const mine = replicas.filter((replica) => replica.role === "current");
  const ready = mine.filter((replica) => replica.ready).length;
  if (ready >= wanted) return { state: "healthy" };
  const ill = mine.find((replica) => !replica.ready);
  const looping = mine.some((replica) => shared.tracker.isCrashLooping(replica.id as ObservedReplica["id"]));
  const message = ill?.reason ?? `${ready} of ${wanted} replicas are ready`;
  if (looping) return { state: "crash-looping", message };
  if (ready > 0) return { state: "degraded", message };
  return { state: mine.some((replica) => replica.state === "running") ? "starting" : "down", message };
}

function replicaStatus(
  shared: Shared,
  replica: ObservedReplica,
  { service, wish, state }: ServiceFacts,
): ReplicaStatus {
  const { store } = shared.parts;
  const targets = state.routing[service.name]?.targets ?? [];
  const total = targets.reduce((sum, target) => sum + target.weight, 0);
  const weight = targets.find((target) => target.replica === replica.id)?.weight ?? 0;
  const release = store.releases.get(replica.release)?.number;
  const isCurrent = replica.revision === wish?.revision && replica.ordinal <= (wish?.replicas ?? 0);
  const isWarm = state.warm.some((entry) => entry.release === replica.release && !entry.withdrawn);
  const ready = replica.state === "running" && shared.tracker.isReady(replica.id);
  const reason = ready ? undefined : reasonOf(shared, replica);
  const port = service.ports[0]?.port;
  return {
    id: replica.id,
    revision: replica.revision,
    ...(release === undefined ? {} : { release }),
    role: isCurrent ? "current" : isWarm ? "warm" : "incoming",
    state: replica.state,
    ready,
    ...(reason === undefined ? {} : { reason }),
    trafficPercent: total === 0 ? 0 : Math.round((weight / total) * 1000) / 10,
    ...(replica.host === undefined
      ? {}
      : { address: port === undefined ? replica.host : `${replica.host}:${replica.portMap[port] ?? port}` }),
    ...(replica.startedAt === undefined ? {} : { startedAt: replica.startedAt }),
    restarts: replica.restarts,
    ...(replica.exitCode === undefined ? {} : { exitCode: replica.exitCode }),
  };
}

function reasonOf(shared: Shared, replica: ObservedReplica): string | undefined {
  if (replica.oomKilled) return "killed for lack of memory";
  if (replica.state === "exited") {
    return replica.exitCode === undefined
      ? "ended, exit code unknown"
      : `ended with exit code ${replica.exitCode}`;
  }
  return shared.tracker.reasonOf(replica.id)?.reason;
}

/** Addresses as a person types them: routes, then published HTTP ports that the edge serves. */
export function urlsOf(service: Service, settings: EngineSettings): string[] {
  const { http } = settings;
  const port = http === undefined || http.port === 80 ? "" : `:${http.port}`;
  const routes = service.routes
    .filter((route) => !route.host.startsWith("*"))
    .map((route) => `http://${route.host}${port}${route.path === "/" ? "" : route.path}`);
  const published = service.ports.flatMap(({ protocol, published }) => {
    if (protocol !== "http" || published?.by !== "edge") return [];
    const { hostIp } = published;
    const host = hostIp === "0.0.0.0" || hostIp === "::" ? "localhost" : hostIp;
    return [`http://${host.includes(":") ? `[${host}]` : host}:${published.port}`];
  });
  return [...routes, ...published];
}
