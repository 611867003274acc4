import type { EdgeRoute } from "../port.ts";

/**
 * Host and path -> route, precompiled. Among the routes that match both, an exact host beats a one-label wildcard,
 * beats `*`; then the longest path wins. Paths match whole segments.
 */
export type RouteTable<R extends Pick<EdgeRoute, "host" | "path">> = {
  /** @param host lower case, no port. @param path without query. */
  find(host: string, path: string): R | undefined;
};

type Entry<R> = { prefix: string; route: R };

export function buildRouteTable<R extends Pick<EdgeRoute, "host" | "path">>(
  routes: readonly R[],
): RouteTable<R> {
  const exact = new Map<string, Entry<R>[]>();
  const wildcard = new Map<string, Entry<R>[]>();
  const any: Entry<R>[] = [];
  for (const route of routes) {
    const entry = { prefix: withoutTrailingSlash(route.path), route };
    if (route.host === "*") any.push(entry);
    else if (route.host.startsWith("*.")) append(wildcard, route.host.slice(1), entry);
    else append(exact, route.host, entry);
  }
  for (const entries of [any, ...exact.values(), ...wildcard.values()])
    entries.sort((a, b) => b.prefix.length - a.prefix.length);
  return {
    find: (host, path) =>
      longest(exact.get(host), path) ??
      (wildcard.size === 0 ? undefined : longest(wildcard.get(parentDomain(host)), path)) ??
      longest(any, path),
  };
}

/** The path a service sees: the route's own path cut off when it asks for that. */
export function pathBehind(route: Pick<EdgeRoute, "path" | "stripPath">, path: string): string {
  if (!route.stripPath) return path;
  const rest = path.slice(withoutTrailingSlash(route.path).length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** Host header without port, lower case, without the root dot; brackets of an IPv6 address stay. */
export function hostName(header: string): string {
  let end = header.length;
  const colon = header.lastIndexOf(":");
  if (colon > header.lastIndexOf("]")) end = colon;
  if (end > 1 && header.charCodeAt(end - 1) === 0x2e) end -= 1;
  return (end === header.length ? header : header.slice(0, end)).toLowerCase();
}

function append<R>(map: Map<string, Entry<R>[]>, key: string, entry: Entry<R>): void {
  const entries = map.get(key);
  if (entries) entries.push(entry);
  else map.set(key, [entry]);
}

function longest<R>(entries: readonly Entry<R>[] | undefined, path: string): R | undefined {
  if (entries === undefined) return undefined;
  for (const { prefix, route } of entries) {
    if (!path.startsWith(prefix)) continue;
    if (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f || prefix === "")
      return route;
  }
  return undefined;
}

function withoutTrailingSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

function parentDomain(host: string): string {
  const dot = host.indexOf(".");
  return dot <= 0 ? "" : host.slice(dot);
}
