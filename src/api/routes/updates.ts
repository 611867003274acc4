import { scopeKey } from "../../rollout/ids.ts";
import { updateEndpoints } from "../contract/updates.ts";
import { apiError } from "../errors.ts";
import type { Router } from "../route.ts";

const registriesLimitMs = 60_000;

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
}
