import { scopeKey } from "../../rollout/ids.ts";
import { audited } from "../audited.ts";
import { checkBundle, suppliedBundle } from "../bundle.ts";
import { imageEndpoints } from "../contract/images.ts";
import { apiError } from "../errors.ts";
import type { Router } from "../route.ts";

const buildLimitMs = 2 * 3600_000;
const pruneLimitMs = 900_000;

export function imageRoutes(router: Router): void {
  const { parts } = router;
  const { builder, publisher, keeper } = parts.images;

  router.stream(imageEndpoints.build, async ({ params, body, actor }) => {
    const { bundle, files } = await suppliedBundle(parts, params, body);
    checkBundle(parts, params, bundle);
    const { stack, model } = parts.images.load(bundle, params.environment);
    if (!stack || !model) throw apiError("API_INTERNAL", "a stack without problems could not be read");
    const by = actor(body.reason);
    const { services, noCache, push } = body;
    const request = { scope: params, stack, model, services, files, noCache, by: by.name, reason: by.reason };
    const work = builder.start({ ...request, ...(push ? { push } : {}) });
    audited(parts, { by, action: "build", target: scopeKey(params) }, (detail) =>
      detail({ services: [...services], push: push !== undefined }),
    );
    return async function* events(signal) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(buildLimitMs)]);
      for await (const item of work(limited)) yield { item };
    };
  });

  router.answer(imageEndpoints.tags, ({ query, sees }) => {
    const kept = keeper.list();
    return {
      tags: publisher.book
        .list(query.repository)
        .filter(({ scope }) => sees(scope))
        .map((record) => {
          const mine = kept.find(
            ({ repository, digest }) => repository === record.repository && digest === record.digest,
          );
          return { ...record, ...(mine ? { keeping: mine.keeping } : {}) };
        }),
    };
  });

  router.answer(imageEndpoints.pruneRegistry, async ({ body, actor }) => {
    const signal = AbortSignal.any([router.closing, AbortSignal.timeout(pruneLimitMs)]);
    const removed = await keeper.prune(signal, body.keep);
    const by = actor(body.reason);
    return audited(parts, { by, action: "images.registry.prune", target: "registry" }, (detail) => {
      detail({ images: removed.map(({ repository, digest }) => `${repository}@${digest}`).slice(0, 1000) });
      return { removed };
    });
  });
}
