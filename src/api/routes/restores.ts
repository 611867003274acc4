import { rowsOf } from "../../policy/backup-manifest.ts";
import { scopeKey } from "../../rollout/ids.ts";
import type { RestoreItem, RestoreRun } from "../../vault/restore-run.ts";
import { audited } from "../audited.ts";
import { type RestoreView, restoreEndpoints } from "../contract/restores.ts";
import type { Router } from "../route.ts";

const releaseLimitMs = 60_000;

export function restoreRoutes(router: Router): void {
  const { parts } = router;
  const { restorer, points } = parts.restores;

  router.answer(restoreEndpoints.list, ({ params }) => ({ restores: restorer.runs.list(params).map(view) }));

  router.answer(restoreEndpoints.points, ({ params }) => ({ sources: points?.of(params) ?? [] }));

  router.answer(restoreEndpoints.foresee, ({ params, body }) => {
    const { scope, origin, items } = restorer.foresee(params, body);
    return { scope, origin, items: items.map(itemView) };
  });

  router.answer(restoreEndpoints.begin, ({ params, body, demand, actor }) => {
    const { reason, ...wish } = body;
    // The environment that gets the data may be another one, with other people in charge.
    demand({ ...params, environment: wish.as ?? params.environment });
    const by = actor(reason);
    return audited(parts, { by, action: "restore.begin", target: scopeKey(params) }, (detail) => {
      const run = restorer.request(params, wish, { requestedBy: by.name, reason: by.reason });
      detail({ restore: run.id, into: scopeKey(run.scope), items: run.items.map(({ source }) => source) });
      return view(run);
    });
  });

  router.answer(restoreEndpoints.show, ({ params, demand }) => {
    const run = restorer.find(params.id);
    demand(run.scope);
    return view(run);
  });

  router.answer(restoreEndpoints.undo, ({ params, body, demand, actor }) => {
    demand(restorer.find(params.id).scope);
    const by = actor(body.reason);
    return audited(parts, { by, action: "restore.undo", target: params.id }, () =>
      view(restorer.undo(params.id, { requestedBy: by.name, reason: by.reason })),
    );
  });

  router.answer(restoreEndpoints.release, async ({ params, body, demand, actor }) => {
    demand(restorer.find(params.id).scope);
    const signal = AbortSignal.any([router.closing, AbortSignal.timeout(releaseLimitMs)]);
    const run = await restorer.release(params.id, signal);
    const by = actor(body.reason);
    return audited(parts, { by, action: "restore.release", target: params.id }, () => view(run));
  });
}

function view({ items, mask: _mask, ...run }: RestoreRun): RestoreView {
  return { ...run, items: items.map(itemView) };
}

function itemView({ manifest, ...item }: RestoreItem): RestoreView["items"][number] {
  return { ...item, ...(manifest === undefined ? {} : { rows: rowsOf(manifest) }) };
}
