import type { ServiceFacts, Tell } from "./facts.ts";
import { publishedPort } from "./infer-ports.ts";
import type { Route, Service, ServiceKind, ServicePort } from "./stack.ts";

export type RouteInput = {
  facts: ServiceFacts;
  kind: ServiceKind;
  ports: readonly ServicePort[];
  stack: string;
  environment: string;
  /** Of the environment; default routes are `<service>.<domain>`. */
  environmentDomain?: string;
  /** Of the stack, in production; other environments put their name in between. */
  domain?: string;
};

/** The service's public entries: those of the file, else one default host for a web service or a site. */
export function resolveRoutes(input: RouteInput, tell: Tell): Route[] {
  const { facts, kind, ports } = input;
  const path = `services.${facts.name}`;
  const port = kind === "static" ? 80 : ports.find(({ protocol }) => protocol === "http")?.port;
  const written = facts.settings.routes;
  if (written && written.length > 0 && (kind === "worker" || kind === "job")) {
    tell("error", "ROUTE_WITHOUT_WEB", {
      path: `${path}.x-roadstead.routes`,
      message: `a ${kind} answers no requests, so no route can point at it`,
      fix: "use kind web, or remove the routes",
    });
    return [];
  }
  if (written === undefined) {
    const host = kind === "web" || kind === "static" ? defaultHost(input) : undefined;
    if (kind === "web" && port === undefined) tellNoPort(path, tell);
    return host === undefined || port === undefined ? [] : [{ host, path: "/", port, stripPath: false }];
  }
  return written.flatMap((route, index) => {
    const target = route.port ?? port ?? ports[0]?.port;
    if (target === undefined) {
      tellNoPort(`${path}.x-roadstead.routes[${index}]`, tell);
      return [];
    }
    return [{ host: route.host, path: route.path ?? "/", port: target, stripPath: route.stripPath ?? false }];
  });
}

function tellNoPort(path: string, tell: Tell): void {
  tell("error", "PORT_UNKNOWN", {
    path,
    message: "no port is known on which this service answers HTTP requests",
    fix: 'add `expose: ["3000"]` with its port, or a `PORT` variable, or `kind: worker` if it has none',
  });
}

/**
 * On a real domain only for services that ask to be seen: a published port or `kind: web`; an `expose` alone is for
 * peers. Names under `.localhost` never leave the machine (RFC 6761), so there every web service gets one.
 */
function defaultHost(input: RouteInput): string | undefined {
  const { facts, environment } = input;
  const name = hostLabel(facts.name);
  const production = environment === "production";
  if (input.environmentDomain !== undefined || input.domain !== undefined) {
    if (!isMeantToBeSeen(facts)) return undefined;
    if (input.environmentDomain !== undefined) return `${name}.${input.environmentDomain}`;
    return production ? `${name}.${input.domain}` : `${name}.${hostLabel(environment)}.${input.domain}`;
  }
  const stack = hostLabel(input.stack);
  return production ? `${name}.${stack}.localhost` : `${name}.${stack}.${hostLabel(environment)}.localhost`;
}

function isMeantToBeSeen({ settings, compose }: ServiceFacts): boolean {
  if (settings.kind === "web" || settings.site !== undefined) return true;
  return (compose.ports ?? []).some(
    (port) => publishedPort(port) && !/^(127\.|::1$)/.test(port.host_ip ?? ""),
  );
}

/** Letters, digits and inner hyphens: what a label of a host name may hold (RFC 1123). */
export function hostLabel(name: string): string {
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .slice(0, 63)
      .replaceAll(/^-|-$/g, "") || "x"
  );
}

/** Two services must not claim the same host and path. */
export function checkCollisions(services: readonly Service[], tell: Tell): void {
  const owners = new Map<string, string>();
  for (const service of services) {
    for (const [index, { host, path }] of service.routes.entries()) {
      const key = `${host}${path}`;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, service.name);
      else {
        tell("error", "ROUTE_TAKEN", {
          path: `services.${service.name}.x-roadstead.routes[${index}]`,
          message:
            owner === service.name
              ? `${service.name} has the route ${key} twice`
              : `${owner} and ${service.name} both claim the route ${key}`,
          fix: "give one of them another host or path",
        });
      }
    }
  }
}
