import { plainAddress } from "./address-list.ts";
import { type Asked, Exchange, withHsts } from "./exchange.ts";
import { type Origin, originOf } from "./forwarded-headers.ts";
import type { Entry, Plane, PublicRoute } from "./plane.ts";
import { answer, answerError, type FrontRequest, type FrontResponse } from "./respond.ts";
import { hostName, pathBehind } from "./route-table.ts";
import { type Scan, scanRequest } from "./scan-request.ts";
import { serveFile } from "./static-files.ts";

const challenge = "/.well-known/acme-challenge/";
const sane = /^[\w.:-]{1,128}$/;

/** A request read and routed, but not yet acted on. */
export type Routed = { asked: Asked; origin: Origin; path: string; query: string };

/** Takes one request through redirect, limits and its route's action. */
export function handleRequest(
  plane: Plane,
  entry: Entry,
  request: FrontRequest,
  response: FrontResponse,
): void {
  const routed = routeRequest(plane, entry, request, response);
  if (routed === undefined) return;
  const { asked } = routed;
  if (entry.kind === "internal") {
    proxy(plane, asked, entry.backend);
    return;
  }
  if (refusedEarly(plane, routed)) return;
  const { route } = asked;
  if (route === undefined) return;
  const extra = route.requireTls && asked.secure ? withHsts([]) : [];
  switch (route.action.kind) {
    case "proxy":
      proxy(plane, asked, route.action.backend);
      return;
    case "files":
      files(plane, routed, route, { root: route.action.root, spa: route.action.spa, extra });
      return;
    case "redirect": {
      const { to, status } = route.action;
      answer(response, status, ["Location", to, ...extra]);
      plane.record(asked, status, "");
      return;
    }
    case "answer":
      refuse(plane, asked, { ...route.action, headers: extra });
      return;
  }
}

/** Reads a request and finds its route; answers 400 and 404 itself. */
export function routeRequest(
  plane: Plane,
  entry: Entry,
  request: FrontRequest,
  response: FrontResponse,
): Routed | undefined {
  const scan = scanRequest(request.rawHeaders);
  let url = request.url ?? "/";
  if (url.charCodeAt(0) !== 0x2f) url = absoluteForm(url, scan);
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? "" : url.slice(mark);
  const peer = plainAddress(request.socket.remoteAddress);
  const origin = originOf(
    peer,
    { secure: entry.kind === "public" && entry.secure, host: scan.host },
    scan.claims,
    plane.trusted,
  );
  const route = entry.kind === "public" ? plane.table.find(hostName(scan.host), path) : undefined;
  // A service that asks another passes on the id of the request that it works on.
  const isBelieved = entry.kind === "internal" || plane.trusted.has(peer);
  const requestId =
    scan.claims.requestId !== "" && isBelieved && sane.test(scan.claims.requestId)
      ? scan.claims.requestId
      : plane.nextRequestId();
  const asked: Asked = {
    request,
    response,
    scan,
    method: request.method ?? "GET",
    path: route === undefined ? url : pathBehind(route, path) + query,
    lines: `Host: ${scan.host}\r\n${scan.lines}${origin.lines}X-Request-Id: ${requestId}\r\n`,
    client: origin.client,
    secure: origin.secure,
    requestId,
    route,
    startedAt: performance.now(),
  };
  if (scan.bad !== "" || (scan.chunked && scan.length >= 0) || !url.startsWith("/"))
    return void refuse(plane, asked, {
      status: 400,
      title: "Bad request",
      detail: scan.bad || "It is ambiguous.",
      headers: ["Connection", "close"],
    });
  if (entry.kind === "public" && route === undefined)
    return void refuse(plane, asked, {
      status: 404,
      title: "Nothing here",
      detail: `No route of this server matches ${hostName(scan.host)}${path}.`,
    });
  return { asked, origin, path, query };
}

/** Redirect to HTTPS, rate limit and declared body size; true when the request was answered. */
export function refusedEarly(plane: Plane, routed: Routed): boolean {
  const { asked, path, query } = routed;
  const { route, scan } = asked;
  if (route === undefined) return false;
  if (route.requireTls && !asked.secure && !path.startsWith(challenge)) {
    const location = `https://${hostName(scan.claims.host && asked.secure ? scan.claims.host : scan.host)}${path}${query}`;
    answer(asked.response, 308, ["Location", location]);
    plane.record(asked, 308, "");
    return true;
  }
  if (route.limiter !== undefined) {
    const wait = route.limiter.take(asked.client, asked.startedAt);
    if (wait > 0) {
      const detail = `At most ${route.rateLimit?.requestsPerSecond} requests a second are allowed.`;
      refuse(plane, asked, { status: 429, title: "Too many requests", detail, retryAfter: wait });
      return true;
    }
    plane.onSpend(route.id, asked.client);
  }
  if (route.bodyLimitBytes !== undefined && scan.length > route.bodyLimitBytes) {
    const detail = `The limit is ${route.bodyLimitBytes} bytes.`;
    refuse(plane, asked, { status: 413, title: "Request too large", detail });
    discardBody(asked.request);
    return true;
  }
  return false;
}

export function refuse(
  plane: Plane,
  asked: Asked,
  error: { status: number; title: string; detail: string; retryAfter?: number; headers?: readonly string[] },
): void {
  answerError(asked.response, { ...error, requestId: asked.requestId, accept: asked.scan.accept });
  plane.record(asked, error.status, "");
}

function proxy(plane: Plane, asked: Asked, id: string): void {
  const backend = plane.backends.get(id);
  if (backend === undefined) {
    refuse(plane, asked, { status: 503, title: "Not running", detail: `There is no service ${id}.` });
    return;
  }
  new Exchange(plane, asked, backend).dispatch();
}

function files(
  plane: Plane,
  routed: Routed,
  route: PublicRoute,
  folder: { root: string; spa: boolean; extra: readonly string[] },
): void {
  const { asked, path } = routed;
  const { request, response, scan, requestId } = asked;
  serveFile({ request, response, scan, requestId, path: pathBehind(route, path), ...folder }).then(
    (status) => plane.record(asked, status, ""),
    (error: unknown) => {
      plane.log("file not served", { detail: String(error), requestId });
      response.destroy();
    },
  );
}

/** `GET http://host/path`, which RFC 9112 3.2.2 lets any client send; its host wins over the Host field. */
function absoluteForm(url: string, scan: Scan): string {
  const match = /^https?:\/\/([^/?#]+)([/?].*)?$/i.exec(url);
  if (!match) return url;
  scan.host = match[1] ?? "";
  const rest = match[2] ?? "/";
  return rest.startsWith("?") ? `/${rest}` : rest;
}

/** Reads on for a bounded while, so that the client gets to read the refusal before the connection closes. */
function discardBody(request: FrontRequest): void {
  let left = 4 * 1024 * 1024;
  const timer = setTimeout(() => request.destroy(), 5_000);
  request.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.on("close", () => clearTimeout(timer));
  request.resume();
}
