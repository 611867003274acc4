import type { DeploymentId } from "../../rollout/ids.ts";
import type { Deployment, DeployRequest } from "../../store/port.ts";
import { checkBundle, putFiles, suppliedBundle } from "../bundle.ts";
import { deploymentEndpoints } from "../contract/deployments.ts";
import { deploymentEvents } from "../deployment-events.ts";
import { apiError } from "../errors.ts";
import { findRelease } from "../find-release.ts";
import { maskEverywhere } from "../mask-everywhere.ts";
import type { ApiParts } from "../parts.ts";
import type { Router } from "../route.ts";
import { steer } from "../steer.ts";
import { viewDeployment } from "../views.ts";

export function deploymentRoutes(router: Router): void {
  const { parts } = router;
  const { engine, store } = parts;

  router.answer(deploymentEndpoints.create, async ({ params, body, actor, may }) => {
    if (body.override !== undefined && !may("approve", params))
      throw apiError("API_FORBIDDEN", "only who may approve may override the gates of an environment");
    const { bundle, files } = await suppliedBundle(parts, params, body);
    const warnings = checkBundle(parts, params, bundle);
    const by = actor(body.reason);
    const { services, override } = body;
    const label = maskEverywhere(parts, body.label);
    const deployment = steer(parts, { by, action: "deploy", scope: params }, () => {
      parts.gates.pass(params, bundle, { ...by, ...(override === undefined ? {} : { override }) });
      const fileVersions = putFiles(parts, params, files);
      const request: DeployRequest = { bundle, label, services, fileVersions };
      return engine.deploy(params, request, by);
    });
    return { deployment, warnings };
  });

  router.answer(deploymentEndpoints.list, ({ params, query }) => ({
    deployments: store.deployments.list(params, query.limit).map(viewDeployment),
  }));

  router.answer(deploymentEndpoints.get, ({ params }) => viewDeployment(known(parts, params.id)));

  router.stream(deploymentEndpoints.events, async ({ params, lastEventId }) => {
    const { id } = known(parts, params.id);
    const after = lastEventId === undefined ? 0 : Number(lastEventId);
    if (!Number.isSafeInteger(after) || after < 0)
      throw apiError("API_INPUT_INVALID", "headers.last-event-id: must be the id of an event");
    return (signal) => deploymentEvents(parts, id, after, signal);
  });

  router.answer(deploymentEndpoints.rollback, ({ params, body, actor }) => {
    const by = actor(body.reason);
    const release = body.release === undefined ? undefined : findRelease(store, params, body.release).id;
    return steer(parts, { by, action: "rollback", scope: params }, () =>
      engine.rollback(params, release, by),
    );
  });

  router.answer(deploymentEndpoints.promote, ({ params, body, actor }) => {
    const by = actor(body.reason);
    return steer(parts, { by, action: "promote", scope: params }, () => engine.promote(params, by));
  });

  router.answer(deploymentEndpoints.abort, ({ params, body, actor }) => {
    const by = actor(body.reason);
    return steer(parts, { by, action: "abort", scope: params }, () => engine.abort(params, by));
  });
}

function known({ store }: ApiParts, id: string): Deployment {
  const deployment = store.deployments.get(id as DeploymentId);
  if (!deployment)
    throw apiError("API_NOT_FOUND", `there is no deployment ${id}`, {
      hint: "`roadstead rollout` shows the newest.",
    });
  return deployment;
}
