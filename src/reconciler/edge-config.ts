import type { Backend, EdgeConfig, EdgeRoute, InternalListener, TargetId } from "../edge/port.ts";
import { isRouted } from "../rollout/desired-of.ts";
import { type ReplicaId, type Scope, scopeKey } from "../rollout/ids.ts";
import type { Service, Stack } from "../stack/stack.ts";
import type { ScopeState, ServiceRouting } from "../store/port.ts";
import type { EngineSettings } from "./parts.ts";
import { siteFile } from "./site-values.ts";

/** One scope as the edge configuration sees it: its state, and for each routed service the stack whose rules are in force. */
export type RoutedScope = {
  state: ScopeState;
  serviceOf: (name: string, routing: ServiceRouting) => Service | undefined;
  current?: Stack;
};

export function backendId(scope: Scope, service: string, port: number): string {
  return `${scopeKey(scope)}/${service}:${port}`;
}

export function targetId(replica: ReplicaId, port: number): TargetId {
  return `${replica}:${port}`;
}

/** Ports of a service that the edge serves: those with a route, the published ones it fronts, and the internal address. */
export function edgePorts(service: Service): number[] {
  const internal =
    service.addressing === "proxied" ? service.ports.filter((port) => port.protocol !== "udp") : [];
  const published = service.ports.filter((port) => port.published?.by === "edge");
  const ports = [
    ...service.routes.map((route) => route.port),
    ...[...internal, ...published].map((port) => port.port),
  ];
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** The whole edge configuration as a function of durable state: the same state gives the same configuration. */
export function edgeConfigOf(scopes: readonly RoutedScope[], settings: EngineSettings): EdgeConfig {
  const parts = scopes.map((scope) => scopeConfig(scope, settings.sitesFolder));
  const own = parts.flatMap((part) => part.published).filter((entry) => isOwnAddress(entry, settings));
  const routes = parts.flatMap((part) => part.routes);
  const main = own.find(({ listener }) => listener.protocol === "http");
  const isFree = !routes.some(({ host, path }) => host === "*" && path === "/");
  return {
    ...(settings.http ? { http: settings.http } : {}),
    ...(settings.https ? { https: settings.https } : {}),
    routes: main && isFree ? [...routes, catchAll(main)] : routes,
    backends: parts.flatMap((part) => part.backends),
    internal: parts.flatMap((part) => [
      ...part.internal,
      ...part.published.filter((entry) => !own.includes(entry)).map(({ listener }) => listener),
    ]),
    certificates: settings.certificates,
    trustedProxies: [],
  };
}

type ScopeConfig = Pick<EdgeConfig, "routes" | "backends" | "internal"> & {
  published: PublishedListener[];
};

type PublishedListener = { service: Service; listener: InternalListener; hostWritten: boolean };

/** A published port is for whoever reaches its address: loopback unless the file names another. */
const everybody = ["0.0.0.0/0", "::/0"];
const wildcards = new Set(["0.0.0.0", "::"]);

/** The edge can't listen twice on one address: `80:80` beside an edge on port 80. */
function isOwnAddress({ listener, hostWritten }: PublishedListener, settings: EngineSettings): boolean {
  return [settings.http, settings.https].some((edge) => {
    if (edge?.port !== listener.port) return false;
    const both = wildcards.has(edge.host) && wildcards.has(listener.host);
    return edge.host === listener.host || both || (wildcards.has(edge.host) && !hostWritten);
  });
}

/** What a service that publishes the edge's own port is there for: every host that nobody else has. */
function catchAll({ service, listener }: PublishedListener): EdgeRoute {
  const { rateLimit, bodyLimitBytes } = service;
  return {
    id: `${listener.backend}/*`,
    host: "*",
    path: "/",
    stripPath: false,
    action: { kind: "proxy", backend: listener.backend },
    requireTls: false,
    compress: false,
    ...(bodyLimitBytes === undefined ? {} : { bodyLimitBytes }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
  };
}

function scopeConfig(
  { state, serviceOf, current }: RoutedScope,
  sitesFolder: string | undefined,
): ScopeConfig {
  const config: ScopeConfig & { routes: EdgeRoute[]; backends: Backend[]; internal: InternalListener[] } = {
    routes: [],
    backends: [],
    internal: [],
    published: [],
  };
  for (const [name, routing] of Object.entries(state.routing)) {
    const service = serviceOf(name, routing);
    if (!service || !isRouted(service)) continue;
    const stopped = state.isolated === true || state.stopped.includes(name);
    config.routes.push(...serviceRoutes(state.scope, service, stopped));
    if (!stopped) {
      config.backends.push(
        ...edgePorts(service).map((port) => backendOf(state.scope, service, routing, port)),
      );
      config.internal.push(...listenersOf(state, service));
      config.published.push(...publishedOf(state.scope, service));
    }
  }
  for (const site of current?.services.filter((service) => service.site) ?? []) {
    const stopped = state.isolated === true || state.stopped.includes(site.name);
    config.routes.push(...serviceRoutes(state.scope, site, stopped));
    if (!stopped) config.routes.push(...valueRoutes(state.scope, site, sitesFolder));
  }
  return config;
}

function serviceRoutes(scope: Scope, service: Service, stopped: boolean): EdgeRoute[] {
  return service.routes.map((route) => ({
    id: `${scopeKey(scope)}/${service.name}/${route.host}${route.path}`,
    host: route.host,
    path: route.path,
    stripPath: route.stripPath,
    action: stopped
      ? {
          kind: "answer",
          status: 503,
          title: "Down for maintenance",
          detail: `${service.name} was stopped by its operators.`,
        }
      : service.site
        ? { kind: "files", root: service.site.root, spa: service.site.spa }
        : { kind: "proxy", backend: backendId(scope, service.name, route.port) },
    requireTls: false,
    compress: service.kind === "static",
    ...(service.bodyLimitBytes === undefined ? {} : { bodyLimitBytes: service.bodyLimitBytes }),
    ...(service.rateLimit === undefined ? {} : { rateLimit: service.rateLimit }),
  }));
}

/** What a static site gets at run time lies in a folder of its own, so it needs a route of its own. */
function valueRoutes(scope: Scope, site: Service, sitesFolder: string | undefined): EdgeRoute[] {
  return serviceRoutes(scope, site, false).flatMap((route) => {
    const file = siteFile(site, route, sitesFolder);
    if (file === undefined) return [];
    const id = `${scopeKey(scope)}/${site.name}/${route.host}${file.path}`;
    const action = { kind: "files", root: file.root, spa: false } as const;
    return [{ ...route, id, path: file.path, stripPath: false, action }];
  });
}

function backendOf(scope: Scope, service: Service, routing: ServiceRouting, port: number): Backend {
  return {
    id: backendId(scope, service.name, port),
    targets: routing.targets.map((target) => ({
      id: targetId(target.replica, port),
      host: target.host,
      port: target.portMap[port] ?? port,
      weight: target.weight,
    })),
    sticky: service.sticky,
    hold: routing.hold,
    holdSeconds: routing.holdSeconds,
    responseTimeoutSeconds: 60,
    label: { stack: scope.stack, environment: scope.environment, service: service.name },
  };
}

function listenersOf(state: ScopeState, service: Service): InternalListener[] {
  const addresses =
    service.addressing === "proxied" ? state.addresses.filter((a) => a.service === service.name) : [];
  const listeners: InternalListener[] = [];
  for (const { port, protocol } of service.ports) {
    if (protocol === "udp") continue;
    const backend = backendId(state.scope, service.name, port);
    for (const { host, allow } of addresses) listeners.push({ host, port, protocol, backend, allow });
  }
  const seen = new Set<string>();
  return listeners.filter(({ host, port }) => !seen.has(`${host}:${port}`) && seen.add(`${host}:${port}`));
}

function publishedOf(scope: Scope, service: Service): PublishedListener[] {
  return service.ports.flatMap(({ port, protocol, published }) => {
    if (protocol === "udp" || published?.by !== "edge") return [];
    const backend = backendId(scope, service.name, port);
    const hostWritten = (service.compose.ports ?? []).some(
      (entry) => entry.target === port && entry.published === String(published.port) && !!entry.host_ip,
    );
    const listener = { host: published.hostIp, port: published.port, protocol, backend, allow: everybody };
    return [{ service, listener, hostWritten }];
  });
}
