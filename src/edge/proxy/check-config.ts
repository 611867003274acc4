import { isIP } from "node:net";
import type { Backend, EdgeConfig, EdgeRoute, InternalListener } from "../port.ts";

/** Everything that contradicts itself in a configuration, as sentences; empty when it can be served. */
export function checkConfig(config: EdgeConfig): string[] {
  const backends = new Set(config.backends.map((backend) => backend.id));
  return [
    ...duplicates("route", config.routes),
    ...duplicates("backend", config.backends),
    ...doubleClaims(config.routes),
    ...config.routes.flatMap((route) => checkRoute(route, backends)),
    ...config.backends.flatMap(checkBackend),
    ...config.internal.flatMap((listener) => checkInternal(listener, backends)),
    ...config.trustedProxies.flatMap((range) => checkRange("trusted proxies", range)),
    ...checkListeners(config),
  ];
}

/** A network in CIDR notation, or a single address; `undefined` when it is neither. */
export function parseRange(
  text: string,
): { address: string; prefix: number; family: "ipv4" | "ipv6" } | undefined {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  const widest = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? widest : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (prefix < 0 || prefix > widest) return undefined;
  return { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}

function duplicates(what: string, items: readonly { id: string }[]): string[] {
  const seen = new Set<string>();
  return items.flatMap(({ id }) => {
    if (seen.has(id)) return [`${what} ${id} is given twice`];
    seen.add(id);
    return [];
  });
}

function doubleClaims(routes: readonly EdgeRoute[]): string[] {
  const owner = new Map<string, string>();
  return routes.flatMap((route) => {
    const place = `${route.host}${route.path.replace(/\/$/, "")}`;
    const other = owner.get(place);
    owner.set(place, route.id);
    return other === undefined || other === route.id
      ? []
      : [`routes ${other} and ${route.id} both claim ${route.host}${route.path}`];
  });
}

function checkRoute(route: EdgeRoute, backends: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const name = `route ${route.id}`;
  if (!/^(\*|(\*\.)?[^\s/*:]+|\[[0-9a-f:.]+\])$/.test(route.host) || route.host !== route.host.toLowerCase())
    problems.push(`${name}: ${JSON.stringify(route.host)} is no lower-case host name`);
  if (!route.path.startsWith("/"))
    problems.push(`${name}: path ${JSON.stringify(route.path)} must begin with /`);
  if (route.action.kind === "proxy" && !backends.has(route.action.backend))
    problems.push(`${name}: backend ${route.action.backend} does not exist`);
  if (route.action.kind === "files" && !route.action.root.startsWith("/"))
    problems.push(`${name}: folder ${route.action.root} must be an absolute path`);
  if (route.bodyLimitBytes !== undefined && !(route.bodyLimitBytes >= 0))
    problems.push(`${name}: body limit must not be negative`);
  if (route.rateLimit && !(route.rateLimit.requestsPerSecond > 0 && route.rateLimit.burst >= 1))
    problems.push(`${name}: rate limit needs a rate above 0 and a burst of at least 1`);
  return problems;
}

function checkBackend(backend: Backend): string[] {
  const problems = duplicates(`backend ${backend.id}: target`, backend.targets);
  for (const target of backend.targets) {
    if (!Number.isInteger(target.port) || target.port < 1 || target.port > 65_535)
      problems.push(`target ${target.id}: ${target.port} is no port`);
    if (!(target.weight >= 0 && Number.isFinite(target.weight)))
      problems.push(`target ${target.id}: weight must not be negative`);
  }
  return problems;
}

function checkInternal(listener: InternalListener, backends: ReadonlySet<string>): string[] {
  const name = `internal listener ${listener.host}:${listener.port}`;
  const missing = backends.has(listener.backend)
    ? []
    : [`${name}: backend ${listener.backend} does not exist`];
  return [...missing, ...listener.allow.flatMap((range) => checkRange(name, range))];
}

function checkRange(what: string, range: string): string[] {
  return parseRange(range) ? [] : [`${what}: ${JSON.stringify(range)} is no address range`];
}

function checkListeners(config: EdgeConfig): string[] {
  const listeners = [config.http, config.https, ...config.internal].filter((listener) => !!listener);
  const problems = duplicates(
    "listen address",
    listeners.map(({ host, port }) => ({ id: `${host}:${port}` })),
  );
  if (config.https && config.certificates.length === 0)
    problems.push("an https listener needs at least one certificate");
  return problems;
}
