import type { FastifyInstance } from "fastify";
import type { Permission } from "../policy/permissions.ts";

/**
 * Who may call a route. `anonymous`: anybody, because it shows nothing of anybody (pages, health, signing in).
 * `signed`: who can sign it (webhooks, a push's own hook). `needs`: who holds the permission on what it is about.
 */
export type RouteAccess = "anonymous" | "signed" | { needs: Permission | "nobody" };

declare module "fastify" {
  interface FastifyContextConfig {
    /** Every route says it; the server does not start with one that does not. */
    access?: RouteAccess;
  }
}

export type RouteRule = { method: string; url: string; access: RouteAccess };

/** Refuses routes without a rule, and answers all rules of the server: no way in is forgotten. */
export function collectRouteRules(app: FastifyInstance): RouteRule[] {
  const rules: RouteRule[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    const access = config?.access;
    if (access === undefined || (typeof access === "object" && access.needs === "nobody"))
      throw new Error(`the route ${String(method)} ${url} has no rule: say who may call it`);
    for (const one of [method].flat()) rules.push({ method: one, url, access });
  });
  return rules;
}
