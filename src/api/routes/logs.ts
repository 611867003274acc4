import { compareErrors } from "../../collector/compare-errors.ts";
import type { LogFilter } from "../../logs/port.ts";
import type { ReleaseId, Scope } from "../../rollout/ids.ts";
import { logEndpoints } from "../contract/logs.ts";
import { apiError } from "../errors.ts";
import { findRelease } from "../find-release.ts";
import type { ApiParts } from "../parts.ts";
import type { ApiCall, Router } from "../route.ts";

const searchLimitMs = 30_000;
const compareLimitMs = 60_000;

type FilterCall = Pick<ApiCall<typeof logEndpoints.follow>, "may" | "demand"> & {
  query: Omit<ApiCall<typeof logEndpoints.follow>["query"], "tail">;
};

export function logRoutes(router: Router): void {
  const { parts } = router;
  const logs = () => {
    if (parts.logs) return parts.logs;
    throw apiError("API_NOT_FOUND", "this control plane keeps no log lines");
  };

  router.answer(logEndpoints.search, async (call) => {
    const { limit, cursor, after } = call.query;
    const filter = filterOf(parts, call);
    const page = await logs().search(
      {
        ...{ ...filter, limit },
        ...(cursor === undefined ? {} : { before: cursor }),
        ...(after === undefined ? {} : { after }),
      },
      AbortSignal.any([router.closing, AbortSignal.timeout(searchLimitMs)]),
    );
    return page.next === undefined ? { lines: page.lines } : { lines: page.lines, next: page.next };
  });

  router.stream(logEndpoints.follow, async (call) => {
    const filter = filterOf(parts, call);
    const { tail } = call.query;
    const store = logs();
    return async function* lines(signal) {
      for await (const item of store.follow(filter, { tail }, signal)) yield { item };
    };
  });

  router.answer(logEndpoints.errors, async ({ query, demand }) => {
    const { stack, environment, service } = query;
    const scope = { stack, environment };
    demand(scope);
    const { id: release } = findRelease(parts.store, scope, query.release);
    const { id: against } = findRelease(parts.store, scope, query.against);
    const of = { scope, release, against, ...(service ? { services: service } : {}) };
    const signal = AbortSignal.any([router.closing, AbortSignal.timeout(compareLimitMs)]);
    return { release, against, ...(await compareErrors(logs(), of, signal)) };
  });
}

/** What the caller asked for, of what the caller may read. */
function filterOf(parts: ApiParts, call: FilterCall): LogFilter {
  const { query } = call;
  const scopes = scopesOf(parts, call);
  const { service, replica, stream, level, text, request, since, until } = query;
  const release = query.release === undefined ? undefined : releaseOf(parts, scopes, query.release);
  return {
    scopes,
    ...(service === undefined ? {} : { services: service }),
    ...(release === undefined ? {} : { release }),
    ...(replica === undefined ? {} : { replica }),
    ...(stream === undefined ? {} : { streams: stream }),
    ...(level === undefined ? {} : { level }),
    ...(text === undefined || text === "" ? {} : { text }),
    ...(request === undefined || request === "" ? {} : { requestId: request }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

function scopesOf(parts: ApiParts, { query, may, demand }: FilterCall): Scope[] {
  if (query.scope !== undefined && query.scope.length > 0) {
    const scopes = query.scope.map((text) => {
      const [stack = "", environment = ""] = text.split("/");
      return { stack, environment };
    });
    for (const scope of scopes) demand(scope);
    return scopes;
  }
  const known = [...(parts.logs?.usage().scopes.map(({ scope }) => scope) ?? []), ...deployed(parts)];
  return known.filter((scope) => may("read", scope));
}

/** A stack that is new has no lines yet; following all must show its first. */
function deployed({ store }: ApiParts): Scope[] {
  return store.scopes.list().map(({ scope }) => scope);
}

function releaseOf({ store }: ApiParts, scopes: readonly Scope[], reference: string): string {
  const [scope] = scopes;
  if (scope === undefined || scopes.length > 1 || store.releases.get(reference as ReleaseId))
    return reference;
  return findRelease(store, scope, reference).id;
}
