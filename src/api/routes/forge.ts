import { fetchSource } from "../../delivery/fetch-source.ts";
import type { Preview } from "../../delivery/preview.ts";
import { previewScope } from "../../delivery/preview.ts";
import { previewNameOf } from "../../delivery/previews.ts";
import { putSourceSecret } from "../../delivery/source-secrets.ts";
import type { Webhook } from "../../delivery/webhook.ts";
import { sourceError } from "../../source/errors.ts";
import { audited } from "../audited.ts";
import { forgeEndpoints } from "../contract/forge.ts";
import { apiError } from "../errors.ts";
import type { ApiParts } from "../parts.ts";
import type { Router } from "../route.ts";

const gitLimitMs = 60_000;

export function forgeRoutes(router: Router): void {
  const { parts } = router;
  const { webhooks, previews, sources, store } = parts;

  router.answer(forgeEndpoints.webhooks, ({ params }) => ({
    webhooks: webhooks.book.list(params.source).map(viewWebhook),
  }));

  router.answer(forgeEndpoints.createWebhook, async ({ params, body, actor }) => {
    await sources.ensure(params.source, AbortSignal.timeout(gitLimitMs));
    const { kind, services, urlToken } = body;
    const name = services.length === 0 ? "all" : [...services].sort().join("+");
    const wish = { source: params.source, kind, name, services, urlToken };
    const { hook, secret } = webhooks.create(wish, actor(body.reason));
    return { webhook: viewWebhook(hook), secret };
  });

  router.answer(forgeEndpoints.removeWebhook, ({ params, actor }) => {
    webhooks.remove(params, actor());
    return { webhooks: webhooks.book.list(params.source).map(viewWebhook) };
  });

  router.answer(forgeEndpoints.saveSecret, async ({ params, body, actor }) => {
    await sources.ensure(params.source, AbortSignal.timeout(gitLimitMs));
    const entry = { by: actor(body.reason), action: "source.secret", target: params.source };
    return audited(parts, entry, (detail) => {
      detail({ name: body.name });
      putSourceSecret(store, params.source, body.name, body.value);
      return { saved: body.name };
    });
  });

  router.answer(forgeEndpoints.previews, async ({ query, sees }) => {
    const visible = previews.list(query.source).filter((preview) => sees(previewScope(preview)));
    const views = visible.map((preview) => viewPreview(parts, preview));
    return { previews: await Promise.all(views) };
  });

  router.answer(forgeEndpoints.startPreview, async ({ params, body, actor }) => {
    const { source } = params;
    const { ref } = body;
    const signal = AbortSignal.timeout(gitLimitMs);
    const commit =
      (await fetchSource(parts, source, ref, signal)) ?? (await sources.resolve(source, ref, signal));
    if (commit === undefined) throw sourceError("SOURCE_COMMIT_UNKNOWN", `${source} has no ${ref}`);
    const { subject, author } = await sources.describe(source, commit, signal);
    const name = previewNameOf(ref);
    const facts = { ref, commit, subject, author, title: subject, fork: false, trigger: "manual" as const };
    const by = actor(body.reason);
    return audited(parts, { by, action: "preview.start", target: source }, (detail) => {
      const { id } = previews.open({ source, name, ...facts }, by);
      detail({ name, ref, commit, run: id });
      return { run: id, name };
    });
  });

  router.answer(forgeEndpoints.stopPreview, ({ params, actor }) => {
    const by = actor();
    const closing = previews.close(params, `stopped by ${by.name}`, by);
    if (!closing)
      throw apiError("API_NOT_FOUND", `${params.source} has no preview ${params.name}`, {
        hint: "`roadstead preview` lists them.",
      });
    return { closing: closing.name };
  });
}

function viewWebhook(hook: Webhook) {
  const { source, kind, name } = hook;
  return { ...hook, path: `/hooks/${source}/${kind}${name === "all" ? "" : `/${name}`}` };
}

async function viewPreview({ engine, store }: ApiParts, preview: Preview) {
  const scope = previewScope(preview);
  const known = store.scopes.get(scope) ? await engine.status(scope) : undefined;
  return { ...preview, urls: known?.services.flatMap((service) => service.urls) ?? [] };
}
