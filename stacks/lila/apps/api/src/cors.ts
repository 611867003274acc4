import type { RequestHandler } from "express";

const methods = "GET, POST, PUT, OPTIONS";
const headers = "content-type";
const preflightSeconds = "600";

/**
 * One exact origin, with credentials. Any other is refused here and not only by the browser: without the 403 a
 * request that needs no preflight would still take effect.
 */
export function allowOrigin(web: string, own: string): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers;
    response.vary("origin");
    if (origin === undefined || origin === own) return next();
    if (origin !== web) {
      response.status(403).json({ code: "ORIGIN_REFUSED", message: "this origin may not call the API" });
      return;
    }
    response.set({ "access-control-allow-origin": web, "access-control-allow-credentials": "true" });
    if (request.method !== "OPTIONS") return next();
    response.set({
      "access-control-allow-methods": methods,
      "access-control-allow-headers": headers,
      "access-control-max-age": preflightSeconds,
    });
    response.status(204).end();
  };
}
