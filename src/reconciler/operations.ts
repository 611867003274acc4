import type { Deployment, Overrides, ScopeState } from "../store/port.ts";

/** The operator's settings once the deployment has succeeded; a new release starts what was stopped. */
export function overridesAfter(
  deployment: Deployment,
  before: Overrides,
  state: ScopeState | undefined,
): Overrides {
  const services = deployment.operation?.services ?? [];
  switch (deployment.kind) {
    case "deploy":
      return { ...before, stopped: [] };
    case "rollback":
      return {
        ...before,
        stopped: [],
        restarts: state?.warm.find((entry) => entry.release === deployment.release)?.restarts ?? {},
      };
    case "restart":
      return {
        ...before,
        restarts: {
          ...before.restarts,
          ...Object.fromEntries(services.map((name) => [name, (before.restarts[name] ?? 0) + 1])),
        },
      };
    case "stop":
      return { ...before, stopped: [...new Set([...before.stopped, ...services])].sort() };
    case "start":
      return { ...before, stopped: before.stopped.filter((name) => !services.includes(name)) };
    case "scale":
      return { ...before, scale: { ...before.scale, ...deployment.operation?.replicas } };
    case "down":
      return before;
  }
}
