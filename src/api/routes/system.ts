import type { ServiceStatus } from "../../reconciler/engine.ts";
import { systemEndpoints } from "../contract/system.ts";
import { openApiDocument } from "../openapi.ts";
import type { Router } from "../route.ts";

/** States that need nobody's attention; `stopped` is what an operator asked for. */
const fine: readonly ServiceStatus["state"][] = ["healthy", "completed", "stopped"];

export function systemRoutes(router: Router): void {
  const { parts } = router;
  const { engine, store, runtime } = parts;

  router.answer(systemEndpoints.health, () => {
    // A store that can't be read is not healthy: this throws, and the answer is 503.
    store.scopes.list();
    return { status: "ok" as const, version: parts.version, runtime: runtime.name, edge: parts.edgeName };
  });

  router.answer(systemEndpoints.healthAll, async ({ sees }) => {
    const visible = (await engine.list()).filter(({ scope }) => sees(scope));
    const services = visible.flatMap(({ scope, services }) =>
      services.map((service) => ({
        scope,
        service: service.name,
        ok: fine.includes(service.state),
        state: service.state,
        ...(service.message === undefined ? {} : { message: service.message }),
        ready: service.replicas.filter((replica) => replica.ready && replica.role === "current").length,
        wanted: service.wanted,
      })),
    );
    return { ok: services.every((service) => service.ok), services };
  });

  router.answer(systemEndpoints.version, () => ({
    version: parts.version,
    api: "v1" as const,
    node: process.versions.node,
  }));

  router.answer(systemEndpoints.openapi, () => openApiDocument(parts.version));

  router.answer(systemEndpoints.audit, ({ query }) => ({
    entries: store.audit
      .list(query.limit, query.before)
      .map((entry) => ({ ...entry, detail: { ...entry.detail } })),
  }));

  router.answer(systemEndpoints.verifyAudit, () => {
    const broken = store.audit.verify();
    if (!broken) return { ok: true };
    return { ok: false, firstBroken: { ...broken, detail: { ...broken.detail } } };
  });
}
