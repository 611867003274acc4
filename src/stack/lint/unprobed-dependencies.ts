import type { LintRule } from "./rule.ts";

/** `service_healthy` of a service that nothing probes: being alive would count as healthy. */
export const unprobedDependencies: LintRule = (context, tell) => {
  const services = new Map(context.stack.services.map((service) => [service.name, service]));
  for (const service of context.stack.services) {
    for (const dependency of service.dependsOn) {
      const target = services.get(dependency.service);
      if (dependency.condition !== "ready" || target?.probe.kind !== "alive" || target.kind === "static")
        continue;
      tell("warning", "DEPENDENCY_NOT_PROBED", {
        path: `services.${service.name}.depends_on.${dependency.service}`,
        message: `${service.name} waits until ${dependency.service} is healthy, but nothing can tell: it has no health check and no known port`,
        fix: `add a healthcheck to ${dependency.service}`,
      });
    }
  }
};
