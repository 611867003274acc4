import { type ReplicaId, type Scope, scopeKey } from "../rollout/ids.ts";
import type { Observed, RoutingView } from "../rollout/observed.ts";
import type { ObservedReplica } from "../runtime/port.ts";
import type { ScopeState, ServiceRouting } from "../store/port.ts";
import type { HealthTracker } from "./health-tracker.ts";
import type { EngineParts } from "./parts.ts";
import type { ReleaseBook } from "./release-book.ts";

export type ScopeView = { observed: Observed; replicas: ReadonlyMap<ReplicaId, ObservedReplica> };

/** One look at a stack: the runtime's replicas, their readiness, and the traffic that the edge confirmed. */
export async function observeScope(
  parts: EngineParts,
  using: { tracker: HealthTracker; book: ReleaseBook; resourcesReady: boolean },
  scope: Scope,
  signal: AbortSignal,
): Promise<ScopeView> {
  const { tracker, book } = using;
  const found = await parts.runtime.observe(scope, signal);
  const state = parts.store.scopes.get(scope);
  const replicas = new Map(found.map((replica) => [replica.id, replica]));
  const withTraffic = new Set(
    Object.values(state?.routing ?? {}).flatMap((r) =>
      r.targets.filter((t) => t.weight > 0).map((t) => t.replica),
    ),
  );
  tracker.forgetAllBut(found, (id) => id.startsWith(`${scopeKey(scope).replace("/", "-")}-`));
  const probeOf = (replica: ObservedReplica) => serviceOf(book, replica, state)?.probe;
  await tracker.refresh(found, { probeOf, hasTraffic: (id) => withTraffic.has(id) }, signal);
  const views = found.map((replica) => ({
    id: replica.id,
    service: replica.service,
    revision: replica.revision,
    ordinal: replica.ordinal,
    state: replica.state,
    ready: tracker.isReady(replica.id),
    restarts: replica.restarts,
    ...(replica.startedAt === undefined ? {} : { startedAt: replica.startedAt }),
    ...(replica.exitedAt === undefined ? {} : { exitedAt: replica.exitedAt }),
    ...(replica.exitCode === undefined ? {} : { exitCode: replica.exitCode }),
  }));
  const routing = Object.entries(state?.routing ?? {}).map(
    ([name, entry]) => [name, routingView(entry, replicas)] as const,
  );
  return {
    replicas,
    observed: { replicas: views, routing: Object.fromEntries(routing), resourcesReady: using.resourcesReady },
  };
}

/** A target whose replica has another address now is no target: the plan routes it anew. */
function routingView(entry: ServiceRouting, replicas: ReadonlyMap<ReplicaId, ObservedReplica>): RoutingView {
  const targets = entry.targets.filter((target) => {
    const replica = replicas.get(target.replica);
    return replica?.host === undefined || replica.host === target.host;
  });
  return { targets: targets.map(({ replica, weight }) => ({ replica, weight })), hold: entry.hold };
}

/** The service as the release that created the replica describes it, or as the current one does. */
function serviceOf(book: ReleaseBook, replica: ObservedReplica, state: ScopeState | undefined) {
  for (const release of [replica.release, state?.current]) {
    if (release === undefined) continue;
    try {
      const service = book.stack(release).services.find((candidate) => candidate.name === replica.service);
      if (service) return service;
    } catch {
      // The release was pruned from the store; the current one may still describe the service.
    }
  }
  return undefined;
}
