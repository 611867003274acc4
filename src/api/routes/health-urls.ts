import { mapLimited } from "../../lib/limit.ts";
import type { ScopeStatus } from "../../reconciler/engine.ts";
import { askRoute } from "../../watch/outside.ts";
import { StackFacts } from "../../watch/stack-facts.ts";
import { systemEndpoints } from "../contract/system.ts";
import type { Router } from "../route.ts";

const width = 8;
/** Of the whole answer: each address has a limit of its own. */
const limitMs = 60_000;

export function healthUrlRoutes(router: Router): void {
  const { store, engine, resolve, request } = router.parts;
  const facts = new StackFacts({ store, resolve });

  router.answer(systemEndpoints.healthUrls, async ({ sees }) => {
    const signal = AbortSignal.timeout(limitMs);
    const wanted = facts
      .all()
      .filter(({ scope }) => sees(scope))
      .flatMap(({ scope, routes }) => routes.map((route) => ({ scope, route })));
    const origins = originsOf(await engine.list());
    const urls = await mapLimited(wanted, width, async ({ scope, route }) => {
      const { ok, ms, status, reason } = await askRoute(request, route, signal);
      return {
        scope,
        service: route.service,
        url: `${origins.get(route.host) ?? `http://${route.host}`}${route.path}`,
        ok,
        ms: Math.round(ms * 10) / 10,
        ...(status === undefined ? {} : { status }),
        ...(ok ? {} : { reason }),
      };
    });
    return { ok: urls.every((one) => one.ok), urls };
  });
}

/** Host -> how the engine shows it, with the port of the edge where that is not the usual one. */
function originsOf(scopes: readonly ScopeStatus[]): Map<string, string> {
  const urls = scopes.flatMap(({ services }) => services.flatMap((service) => service.urls));
  return new Map(urls.map((url) => [new URL(url).hostname, new URL(url).origin]));
}
