import type { Service, Stack } from "../stack/stack.ts";

/** A public entry, and what a visitor from outside would ask of it to see whether it is well. */
export type PublicRoute = {
  service: string;
  /** `chat.example.com/`: host and path as the stack has them. */
  name: string;
  host: string;
  /** What is asked: the service's own health path where the route leads there, else the route itself. */
  path: string;
};

/** Every route that has a name of its own; a wildcard has none that could be asked. */
export function publicRoutes(stack: Pick<Stack, "services">): PublicRoute[] {
  return stack.services.flatMap((service) =>
    service.routes
      .filter(({ host }) => !host.startsWith("*"))
      .map((route) => ({
        service: service.name,
        name: `${route.host}${route.path}`,
        host: route.host,
        path: askedPath(service, route),
      })),
  );
}

function askedPath({ probe }: Service, route: Service["routes"][number]): string {
  if (probe.kind !== "http" || probe.port !== route.port) return route.path;
  const prefix = route.path === "/" ? "" : route.path;
  if (route.stripPath) return `${prefix}${probe.path}`;
  const leadsThere = probe.path === route.path || probe.path.startsWith(`${prefix}/`);
  return leadsThere ? probe.path : route.path;
}
