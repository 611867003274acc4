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
        ...standInsAfter(before, deployment.operation?.standIns),
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

function standInsAfter(
  { standIns = {} }: Overrides,
  changes: NonNullable<Deployment["operation"]>["standIns"],
): Pick<Overrides, "standIns"> {
  if (changes === undefined) return {};
  const after = Object.entries({ ...standIns, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return { standIns: Object.fromEntries(after) };
}
