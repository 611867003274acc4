import { readFileSync } from "node:fs";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import sirv from "sirv";
import type { PublicConfig } from "./public-config.ts";

/** The built files with the fallback of a single-page application, the page's configuration, and a probe. */
export function createApp(folder: string, config: PublicConfig): RequestListener {
  // Fails at the start, not at the first visitor, when the build is missing.
  readFileSync(join(folder, "index.html"));
  const policy = contentPolicy(config.apiUrl);
  const files = sirv(folder, {
    single: true,
    etag: true,
    setHeaders(response, path) {
      const isHashed = path.startsWith("/assets/");
      response.setHeader("cache-control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  return (request, response) => {
    response.setHeader("x-lila-version", config.version);
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("content-security-policy", policy);
    response.setHeader("referrer-policy", "strict-origin-when-cross-origin");
    const path = request.url?.split("?")[0];
    if (path === "/health") return sendJson(response, { status: "ok", version: config.version });
    if (path === "/config.json") return sendJson(response, config);
    if (isBroken(request)) return sendText(response, 400, "cannot read this address\n");
    files(request, response, () => sendText(response, 404, "not found\n"));
  };
}

/** The page may talk to its API and to nobody else. */
function contentPolicy(apiUrl: string): string {
  return [
    "default-src 'self'",
    `connect-src 'self' ${apiUrl}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'none'",
  ].join("; ");
}

function isBroken({ url = "/" }: IncomingMessage): boolean {
  try {
    decodeURIComponent(url);
    return false;
  } catch {
    return true;
  }
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.setHeader("cache-control", "no-cache");
  response.end(JSON.stringify(body));
}

function sendText(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.setHeader("cache-control", "no-store");
  response.end(body);
}
