import { scopeKey } from "../../rollout/ids.ts";
import { hasErrors } from "../../stack/problem.ts";
import type { DeployRequest } from "../../store/port.ts";
import { audited } from "../audited.ts";
import { checkBundle, putFiles, suppliedBundle } from "../bundle.ts";
import { stackEndpoints } from "../contract/stacks.ts";
import { findRelease } from "../find-release.ts";
import type { Router } from "../route.ts";
import { viewDeployment, viewRelease } from "../views.ts";

export function stackRoutes(router: Router): void {
  const { engine, store, resolve } = router.parts;

  router.answer(stackEndpoints.list, async ({ sees }) => ({
    stacks: (await engine.list()).filter(({ scope }) => sees(scope)),
  }));

  router.answer(stackEndpoints.check, ({ body }) => {
    const { stack, problems } = resolve(body.bundle, body.environment);
    return {
      ok: stack !== undefined && !hasErrors(problems),
      problems,
      ...(stack === undefined
        ? {}
        : {
            stack: {
              name: stack.name,
              environment: stack.environment,
              services: stack.services.map(({ name, kind, strategy, replicas }) => ({
                name,
                kind,
                strategy,
                replicas,
              })),
            },
          }),
    };
  });

  router.answer(stackEndpoints.plan, async ({ params, body }) => {
    const { bundle, files } = await suppliedBundle(router.parts, params, body);
    const warnings = checkBundle(router.parts, params, bundle);
    const request: DeployRequest = {
      bundle,
      label: body.label,
      services: body.services,
      fileVersions: store.transaction(() => putFiles(router.parts, params, files)),
    };
    return { plan: await engine.plan(params, request), warnings };
  });

  router.answer(stackEndpoints.status, ({ params }) => engine.status(params));

  router.answer(stackEndpoints.releases, ({ params, query }) => {
    const state = store.scopes.get(params);
    return {
      releases: store.releases.list(params, query.limit).map((release) => viewRelease(release, state)),
    };
  });

  router.answer(stackEndpoints.release, ({ params }) =>
    viewRelease(findRelease(store, params, params.release), store.scopes.get(params)),
  );

  router.answer(stackEndpoints.down, ({ params, query, actor }) => {
    const by = actor(query.reason);
    return audited(router.parts, { by, action: "down", target: scopeKey(params) }, (detail) => {
      const deployment = engine.down(params, { volumes: query.volumes }, by);
      detail({ deployment: deployment.id, volumes: query.volumes });
      return viewDeployment(deployment);
    });
  });
}
