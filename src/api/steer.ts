import type { Actor } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Deployment } from "../store/port.ts";
import { audited } from "./audited.ts";
import type { DeploymentView } from "./contract/models.ts";
import type { ApiParts } from "./parts.ts";
import { viewDeployment } from "./views.ts";

/** A change that makes or steers a deployment, with its audit entry. */
export function steer(
  parts: ApiParts,
  { by, action, scope }: { by: Actor; action: string; scope: Scope },
  change: () => Deployment,
): DeploymentView {
  return audited(parts, { by, action, target: scopeKey(scope) }, (detail) => {
    const deployment = change();
    const view = viewDeployment(deployment);
    detail({
      deployment: view.id,
      ...(view.release === undefined ? {} : { release: view.release }),
      ...(view.label === undefined || view.label === "" ? {} : { label: view.label }),
      ...(view.services === undefined ? {} : { services: view.services }),
      ...(deployment.operation?.replicas === undefined ? {} : { replicas: deployment.operation.replicas }),
    });
    return view;
  });
}
