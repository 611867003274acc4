import { scopeKey } from "../../rollout/ids.ts";
import { audited } from "../audited.ts";
import { updateEndpoints } from "../contract/updates.ts";
import { apiError } from "../errors.ts";
import type { Router } from "../route.ts";

const registriesLimitMs = 60_000;
const engineLimitMs = 300_000;

export function updateRoutes(router: Router): void {
  const { updates, store } = router.parts;

  router.answer(updateEndpoints.outdated, async ({ params }) => {
    const signal = AbortSignal.any([router.closing, AbortSignal.timeout(registriesLimitMs)]);
    const services = await updates.outdated.of(params, signal);
    if (services === undefined) throw apiError("API_NOT_FOUND", `${scopeKey(params)} has no release`);
    return { services };
  });

  router.answer(updateEndpoints.check, ({ params, body }) => {
    if (store.scopes.get(params) === undefined)
      throw apiError("API_NOT_FOUND", `there is no stack ${scopeKey(params)}`);
    return { services: updates.updater.poke(params, body.services) };
  });

  router.answer(updateEndpoints.awaiting, ({ sees }) => ({
    updates: updates.approvals.awaiting().filter(({ scope }) => sees(scope)),
  }));

  for (const kind of ["approve", "reject"] as const)
    router.answer(updateEndpoints[kind], ({ params, body, actor }) => {
      const { service, ...scope } = params;
      const by = actor(body.reason);
      const target = `${scopeKey(scope)}/${service}`;
      return audited(router.parts, { by, action: `update.${kind}`, target }, (detail) => {
        const decided = updates.approvals.decide({ scope, service, kind }, by);
        detail({ from: decided.running.digest, to: decided.newest.digest });
        return decided;
      });
    });

  router.answer(updateEndpoints.images, async ({ query, sees }) => {
    const signal = AbortSignal.any([router.closing, AbortSignal.timeout(engineLimitMs)]);
    const images = await updates.images.list(signal, query.keep);
    return { images: images.filter(({ stack }) => sees({ stack })) };
  });

  router.answer(updateEndpoints.pruneImages, async ({ body, actor }) => {
    const signal = AbortSignal.any([router.closing, AbortSignal.timeout(engineLimitMs)]);
    const gone = await updates.images.prune(signal, body.keep);
    const by = actor(body.reason);
    return audited(router.parts, { by, action: "images.prune", target: "host" }, (detail) => {
      detail({ images: gone.map(({ reference, digest }) => `${reference} ${digest}`).slice(0, 1000) });
      return { images: gone };
    });
  });
}
