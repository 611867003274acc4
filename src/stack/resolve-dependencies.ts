import type { ComposeModel, ComposeService } from "./compose-model.ts";
import type { Tell } from "./facts.ts";
import type { Dependency } from "./stack.ts";

const conditions = {
  service_started: "started",
  service_healthy: "ready",
  service_completed_successfully: "completed",
} as const;

/** What must be there before the service starts: `depends_on`, and `links` and shared namespaces, which imply it. */
export function dependenciesOf(service: ComposeService, model: ComposeModel): Dependency[] {
  const found = new Map<string, Dependency>();
  for (const [name, { condition, required }] of Object.entries(service.depends_on ?? {})) {
    found.set(name, {
      service: name,
      condition: conditions[condition] ?? "started",
      required: required !== false,
    });
  }
  const implied = [
    ...(service.links ?? []).map((link) => link.split(":")[0]),
    ...[service.network_mode, service.ipc, service.pid].map((mode) => /^service:(.+)$/.exec(mode ?? "")?.[1]),
    ...(service.volumes_from ?? []).map((from) =>
      from.startsWith("container:") ? undefined : from.split(":")[0],
    ),
  ];
  for (const name of implied) {
    if (name !== undefined && !found.has(name))
      found.set(name, { service: name, condition: "started", required: true });
  }
  // An optional dependency on a service that no active profile has is no dependency; a missing required one stays an error of the loader.
  return [...found.values()].filter(({ service: name }) => Object.hasOwn(model.services, name));
}

/** Each loop of dependencies once, named as `a -> b -> a`: nothing in it could ever start. */
export function checkCycles(dependencies: ReadonlyMap<string, readonly Dependency[]>, tell: Tell): void {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    const at = trail.indexOf(name);
    if (at >= 0) {
      const loop = [...trail.slice(at), name];
      tell("error", "DEPENDENCY_CYCLE", {
        path: `services.${trail.at(-1)}.depends_on`,
        message: `services wait for each other: ${loop.join(" -> ")}`,
        fix: "remove one of these dependencies",
      });
      return;
    }
    if (done.has(name)) return;
    for (const { service } of dependencies.get(name) ?? []) visit(service, [...trail, name]);
    done.add(name);
  };
  for (const name of dependencies.keys()) visit(name, []);
}
