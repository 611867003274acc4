import { scopeKey } from "../rollout/ids.ts";
import type { Stack } from "../stack/stack.ts";
import type { ScopeState } from "../store/port.ts";
import type { ReleaseBook } from "./release-book.ts";

/** Hosts and published ports that another stack on this host has already: one sentence for each. */
export function routeCollisions(stack: Stack, scopes: readonly ScopeState[], book: ReleaseBook): string[] {
  const mine = claims(stack);
  const own = scopeKey({ stack: stack.name, environment: stack.environment });
  return scopes.flatMap((state) => {
    if (scopeKey(state.scope) === own || !state.current) return [];
    const theirs = claims(book.stack(state.current));
    return [...mine].flatMap(([claim, service]) => {
      const other = theirs.get(claim);
      return other ? [`${claim} of ${service} is taken by ${other} of ${scopeKey(state.scope)}`] : [];
    });
  });
}

function claims(stack: Stack): Map<string, string> {
  const all = new Map<string, string>();
  for (const service of stack.services) {
    for (const route of service.routes) all.set(`route ${route.host}${route.path}`, service.name);
    for (const { published } of service.ports) {
      if (published) all.set(`port ${published.hostIp}:${published.port}`, service.name);
    }
  }
  return all;
}
