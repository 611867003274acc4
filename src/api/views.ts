import type { Deployment, Release, ScopeState } from "../store/port.ts";
import type { DeploymentView, ReleaseView } from "./contract/models.ts";

/** A deployment as the API shows it: without the bundle, whose env files and variables may be secret. */
export function viewDeployment(deployment: Deployment): DeploymentView {
  const { request, operation, before: _before, after: _after, ...shown } = deployment;
  const services = request?.services ?? operation?.services ?? Object.keys(operation?.replicas ?? {});
  return {
    ...shown,
    ...(request === undefined ? {} : { label: request.label }),
    ...(services.length === 0 ? {} : { services }),
  };
}

/** A release as the API shows it: without the bundle. */
export function viewRelease(release: Release, state: ScopeState | undefined): ReleaseView {
  const { bundle: _bundle, ...shown } = release;
  const warm = state?.warm.find((entry) => entry.release === release.id);
  return {
    ...shown,
    images: { ...release.images },
    fileVersions: { ...release.fileVersions },
    current: state?.current === release.id,
    ...(warm === undefined ? {} : { warmUntil: warm.until }),
  };
}
