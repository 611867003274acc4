import { assertNever } from "../../../lib/assert-never.ts";
import { sha256 } from "../../../lib/hash.ts";
import type { Backend, EdgeRoute } from "../../port.ts";
import { stickyValue } from "../../proxy/sticky-cookie.ts";
import { httpVariants, type Pool, type Truth } from "./truth.ts";

/** A map's entries in file order: key and value, both without blanks. */
export type MapEntries = readonly (readonly [key: string, value: string])[];

export type RenderedMaps = {
  routes: MapEntries;
  pools: MapEntries;
  sticky: MapEntries;
  tokens: MapEntries;
  version: MapEntries;
};

/** Everything of the truth that HAProxy looks up while it serves, and that therefore changes without a reload. */
export function renderMaps(truth: Truth): RenderedMaps {
  const bound = truth.pools.flatMap((pool) => {
    const backend = backendOf(truth, pool);
    return backend ? [{ pool, backend }] : [];
  });
  const cookies = bound.flatMap(({ pool, backend }) =>
    backend.sticky
      ? pool.slots
          .filter((slot) => !slot.retired)
          .map((slot) => ({ pool, slot, value: stickyValue(backend.id, slot.target) }))
      : [],
  );
  return {
    routes: truth.config.routes.map((route) => [routeKey(route), routeValue(route, truth)] as const),
    pools: bound.flatMap(({ pool, backend }) =>
      [...httpVariants, "t"].map((variant) => [`${variant}${pool.index}`, poolValue(backend)] as const),
    ),
    sticky: cookies.map(({ slot, value }) => [value, `s${slot.index}`] as const),
    tokens: cookies.flatMap(({ pool, slot, value }) =>
      httpVariants.map((variant) => [`${variant}${pool.index}/s${slot.index}`, value] as const),
    ),
    version: [["version", String(truth.version)]],
  };
}

export function mapText(entries: MapEntries): string {
  return entries.map(([key, value]) => `${key} ${value}\n`).join("");
}

/**
 * Keys end with a slash, and so does what is looked up: `map_beg` finds the longest key that begins it, so
 * `app/api/` answers for `app/api/` and `app/api/x/` but not for `app/apiary/`.
 */
export function routeKey(route: Pick<EdgeRoute, "host" | "path">): string {
  const path = route.path.endsWith("/") ? route.path : `${route.path}/`;
  return `${route.host}${path}`;
}

/** Field numbers of a route's value, `|` between them; rules of the rendered configuration read them. */
export const routeField = {
  needs: 1,
  backend: 2,
  requireTls: 3,
  bodyLimit: 4,
  stripDepth: 5,
  rateInterval: 6,
  rateSlack: 7,
  rateCapacity: 8,
  tag: 9,
  limitedBackend: 10,
  /** For methods that must not be sent twice. */
  onceBackend: 11,
  first: 12,
  second: 13,
  third: 14,
} as const;

/** How many of the frontend's rules concern a route: the value's first character, so that one look decides it. */
export const routeNeeds = { nothing: "0", tls: "1", more: "2" } as const;

/** Field numbers of a pool's value. */
export const poolField = { needs: 1, timeoutMs: 2, hold: 3, holdSeconds: 4, sticky: 5, label: 6 } as const;

/** Whether the pools' rules about holds, cookies and time limits concern a pool: its value's first character. */
export const poolNeeds = { nothing: "0", more: "1" } as const;

/** Of pools that need nothing. */
export const usualTimeoutMs = 60_000;

const none = "none";

function routeValue(route: EdgeRoute, truth: Truth): string {
  const rate = rateOf(route);
  const target = actionFields(route, truth);
  return [
    needsOf(route),
    target.backend,
    route.requireTls ? 1 : 0,
    route.bodyLimitBytes ?? none,
    route.stripPath ? stripDepth(route) : 0,
    ...(rate ? [rate.interval, rate.slack, rate.capacity] : [0, 0, 0]),
    sha256(route.id).slice(0, 12),
    target.limited,
    target.once,
    ...target.rest,
  ].join("|");
}

function needsOf(route: EdgeRoute): string {
  if (route.bodyLimitBytes !== undefined || route.stripPath || route.rateLimit) return routeNeeds.more;
  return route.requireTls ? routeNeeds.tls : routeNeeds.nothing;
}

function actionFields(
  route: EdgeRoute,
  truth: Truth,
): { backend: string; limited: string; once: string; rest: readonly (string | number)[] } {
  const { action } = route;
  switch (action.kind) {
    case "proxy": {
      const index = truth.pools.find((pool) => pool.backend === action.backend)?.index ?? 0;
      const [backend, once] = route.compress ? ["z", "y"] : ["p", "n"];
      return { backend: `${backend}${index}`, limited: `l${index}`, once: `${once}${index}`, rest: [] };
    }
    case "files": {
      const backend = route.compress ? "files_z" : "files";
      return { ...everywhere(backend), rest: [base64(action.root), action.spa ? 1 : 0] };
    }
    case "redirect":
      return { ...everywhere("redirect"), rest: [action.status, base64(action.to)] };
    case "answer":
      return {
        ...everywhere("answer"),
        rest: [action.status, base64(escapeHtml(action.title)), base64(escapeHtml(action.detail))],
      };
    default:
      return assertNever(action);
  }
}

function everywhere(backend: string) {
  return { backend, limited: backend, once: backend };
}

/** Number of path segments to cut off. */
export function stripDepth(route: Pick<EdgeRoute, "path">): number {
  return route.path.split("/").filter((segment) => segment !== "").length;
}

/** Ten minutes: how long the rate table remembers a client, and below the 71 minutes after which its clock wraps. */
const longestBucketUs = 600_000_000;

/** The token bucket as GCRA: a request costs `interval`; debt may reach `capacity`. All in microseconds. */
function rateOf(route: EdgeRoute): { interval: number; slack: number; capacity: number } | undefined {
  if (!route.rateLimit) return undefined;
  const { requestsPerSecond, burst } = route.rateLimit;
  const interval = Math.min(longestBucketUs, Math.max(1, Math.round(1_000_000 / requestsPerSecond)));
  const capacity = Math.max(interval, Math.min(longestBucketUs, Math.round(interval * burst)));
  return { interval, slack: capacity - interval, capacity };
}

function poolValue(backend: Backend): string {
  const { stack, environment, service } = backend.label;
  const timeoutMs = Math.max(1, Math.round(backend.responseTimeoutSeconds * 1000));
  const usual = timeoutMs === usualTimeoutMs && !backend.hold && !backend.sticky;
  return [
    usual ? poolNeeds.nothing : poolNeeds.more,
    timeoutMs,
    backend.hold ? 1 : 0,
    backend.holdSeconds,
    backend.sticky ? 1 : 0,
    [stack, environment, service].map((part) => part.replace(/[^A-Za-z0-9._-]/g, "_")).join("/"),
  ].join("|");
}

function backendOf(truth: Truth, pool: Pool): Backend | undefined {
  return truth.config.backends.find((backend) => backend.id === pool.backend);
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/** Safe in HTML, and inside a JSON string. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'\\\p{Cc}]/gu, (character) => `&#${character.charCodeAt(0)};`);
}
