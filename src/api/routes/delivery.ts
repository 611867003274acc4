import type { Delivery } from "../../delivery/delivery.ts";
import type { Run, RunId } from "../../delivery/run.ts";
import { environmentOf, saveSourceSettings, sourceSettings } from "../../delivery/source-settings.ts";
import { startRun } from "../../delivery/start-run.ts";
import { audited } from "../audited.ts";
import { deliveryEndpoints } from "../contract/delivery.ts";
import { apiError } from "../errors.ts";
import type { Router } from "../route.ts";
import { runEvents, viewRun } from "../run-events.ts";

const gitLimitMs = 60_000;
/** So far back runs are looked through for those that the caller may see. */
const searchedRuns = 1000;

export function deliveryRoutes(router: Router): void {
  const { parts } = router;
  const { store, delivery, sources, clock } = parts;

  router.answer(deliveryEndpoints.sources, async ({ sees }) => ({
    sources: (await sources.list())
      .filter((name) => sees({ stack: name }))
      .map((name) => sourceSettings(store, name)),
  }));

  router.answer(deliveryEndpoints.saveSource, async ({ params, body, actor }) => {
    await sources.ensure(params.source, AbortSignal.timeout(gitLimitMs));
    return audited(parts, { by: actor(), action: "source.save", target: params.source }, (detail) => {
      const { previews, ...rest } = body;
      const { previews: before, ...present } = sourceSettings(store, params.source);
      const chosen = previews === undefined ? before : (previews ?? undefined);
      const changed = { ...present, ...rest, ...(chosen === undefined ? {} : { previews: chosen }) };
      detail({ ...body });
      saveSourceSettings(store, changed);
      return changed;
    });
  });

  router.answer(deliveryEndpoints.start, async ({ params, body, actor, demand }) => {
    const settings = sourceSettings(store, params.source);
    const environment = body.environment ?? environmentOf(settings, body.ref) ?? "production";
    demand({ stack: params.source, environment });
    const how = { trigger: "manual" as const, ...(body.noCache ? { noCache: true } : {}) };
    const wish = { source: params.source, ref: body.ref, environment, ...how };
    const by = actor(body.reason);
    const run = await startRun({ delivery, sources, store }, wish, by, AbortSignal.timeout(gitLimitMs));
    audited(parts, { by, action: "run.start", target: params.source }, (detail) =>
      detail({ run: run.id, commit: run.commit }),
    );
    return viewRun(run);
  });

  router.answer(deliveryEndpoints.runs, ({ query, sees, may }) => ({
    runs: delivery.book
      .list(may("read", {}) ? query.limit : searchedRuns, query.source ? { source: query.source } : undefined)
      .filter(({ scope }) => sees(scope))
      .slice(0, query.limit)
      .map(viewRun),
  }));

  router.answer(deliveryEndpoints.run, ({ params }) => viewRun(known(delivery, params.id)));

  router.stream(deliveryEndpoints.events, async ({ params, lastEventId }) => {
    const { id } = known(delivery, params.id);
    const after = lastEventId === undefined ? 0 : Number(lastEventId);
    if (!Number.isSafeInteger(after) || after < 0)
      throw apiError("API_INPUT_INVALID", "headers.last-event-id: must be the id of an event");
    return (signal) => runEvents({ book: delivery.book, clock }, id, after, signal);
  });

  for (const verb of ["approve", "reject", "abort"] as const) {
    router.answer(deliveryEndpoints[verb], ({ params, body, actor }) => {
      const { id } = known(delivery, params.id);
      const by = actor(body.reason);
      return audited(parts, { by, action: `run.${verb}`, target: id }, () => viewRun(delivery[verb](id, by)));
    });
  }
}

function known(delivery: Delivery, id: string): Run {
  const run = delivery.book.get(id as RunId);
  if (!run)
    throw apiError("API_NOT_FOUND", `there is no run ${id}`, {
      hint: "`roadstead pipeline` lists the runs.",
    });
  return run;
}
