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
  backend: 1,
  requireTls: 2,
  bodyLimit: 3,
  stripDepth: 4,
  rateInterval: 5,
  rateSlack: 6,
  rateCapacity: 7,
  tag: 8,
  limitedBackend: 9,
  /** For methods that must not be sent twice. */
  onceBackend: 10,
  first: 11,
  second: 12,
  third: 13,
} as const;

/** Field numbers of a pool's value. */
export const poolField = { timeoutMs: 1, hold: 2, holdSeconds: 3, sticky: 4, label: 5 } as const;

const none = "none";

function routeValue(route: EdgeRoute, truth: Truth): string {
  const rate = rateOf(route);
  const target = actionFields(route, truth);
  return [
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
  return [
    Math.max(1, Math.round(backend.responseTimeoutSeconds * 1000)),
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
