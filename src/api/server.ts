import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { messageOf } from "../lib/platform-error.ts";
import { Guard } from "./auth/guard.ts";
import { errorAnswer } from "./error-answer.ts";
import { apiError, LaterError } from "./errors.ts";
import { serveExec } from "./exec-socket.ts";
import { gitRoutes } from "./git-http.ts";
import { parseJsonBody } from "./input.ts";
import type { ApiParts } from "./parts.ts";
import { Router } from "./route.ts";
import { collectRouteRules, type RouteRule } from "./route-access.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { backupRoutes } from "./routes/backups.ts";
import { deliveryRoutes } from "./routes/delivery.ts";
import { deploymentRoutes } from "./routes/deployments.ts";
import { environmentRoutes } from "./routes/environment.ts";
import { forgeRoutes } from "./routes/forge.ts";
import { gateRoutes } from "./routes/gates.ts";
import { healthUrlRoutes } from "./routes/health-urls.ts";
import { imageRoutes } from "./routes/images.ts";
import { drillRoutes, incidentRoutes } from "./routes/incidents.ts";
import { logRoutes } from "./routes/logs.ts";
import { notifyRoutes } from "./routes/notify.ts";
import { operateRoutes } from "./routes/operate.ts";
import { overviewRoutes } from "./routes/overview.ts";
import { pageRoutes } from "./routes/pages.ts";
import { recoverRoutes } from "./routes/recover.ts";
import { restoreRoutes } from "./routes/restores.ts";
import { sessionRoutes } from "./routes/session.ts";
import { stackRoutes } from "./routes/stacks.ts";
import { statusPageRoutes } from "./routes/status-page.ts";
import { systemRoutes } from "./routes/system.ts";
import { telemetryRoutes } from "./routes/telemetry.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { updateRoutes } from "./routes/updates.ts";
import { userRoutes } from "./routes/users.ts";
import { signInRoutes } from "./sign-in-http.ts";
import { webFiles } from "./web-files.ts";
import { webhookRoutes } from "./webhook-http.ts";

const bodyLimitBytes = 32 * 1024 * 1024;
/** Requests in progress get this long when the server closes; streams are ended at once and resume elsewhere. */
const closeLimitMs = 5000;

/** Nothing here is for a browser to cache, frame or run. */
const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

export type ApiServer = {
  /** For tests: `inject` needs no socket. */
  app: FastifyInstance;
  /** Every route with who may call it. */
  rules: readonly RouteRule[];
  /** Answers the address that it listens at, e.g. `http://127.0.0.1:7700`. Port 0 picks a free one. */
  listen(at: { host: string; port: number }): Promise<string>;
  /** Ends streams, lets requests in progress finish within 5 seconds, then closes all connections. */
  close(): Promise<void>;
};

/** The HTTP API over engine, runtime and store; see contract/ for what it offers. Does not listen by itself. */
export function createServer(parts: ApiParts): ApiServer {
  const closing = new AbortController();
  const guard = new Guard(parts);
  const app = createApp(parts, guard);
  const rules = collectRouteRules(app);
  const router = new Router(app, parts, { guard, closing: closing.signal });
  stackRoutes(router);
  deploymentRoutes(router);
  deliveryRoutes(router);
  environmentRoutes(router);
  forgeRoutes(router);
  updateRoutes(router);
  imageRoutes(router);
  gateRoutes(router);
  operateRoutes(router);
  logRoutes(router);
  alertRoutes(router);
  incidentRoutes(router);
  drillRoutes(router);
  backupRoutes(router);
  restoreRoutes(router);
  recoverRoutes(router);
  notifyRoutes(router);
  systemRoutes(router);
  healthUrlRoutes(router);
  pageRoutes(router);
  overviewRoutes(router);
  telemetryRoutes(router, guard);
  statusPageRoutes(router);
  tokenRoutes(router);
  sessionRoutes(router);
  userRoutes(router);
  signInRoutes(app, parts);
  let ownAddress = "";
  gitRoutes(app, parts, { guard, closing: closing.signal, ownAddress: () => ownAddress });
  webhookRoutes(app, parts);
  if (parts.webFolder !== undefined) webFiles(app, parts.webFolder);
  serveExec(app.server, parts, { guard, closing: closing.signal });
  return {
    app,
    rules,
    async listen(at) {
      ownAddress = await app.listen(at);
      return ownAddress;
    },
    async close() {
      closing.abort(new Error("the server closes"));
      const limit = setTimeout(() => app.server.closeAllConnections(), closeLimitMs);
      await app.close();
      clearTimeout(limit);
    },
  };
}

function createApp(parts: ApiParts, guard: Guard): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    genReqId: () => parts.ids.next("req"),
    requestIdHeader: false,
    // A proxy that ends TLS runs on this machine; who calls through it is counted by their own address, not by its.
    trustProxy: "loopback",
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 300 },
    // A deploy sends up to the body limit over a slow line; headers and keep-alive have Node's own short limits.
    requestTimeout: 300_000,
    // A URL that can't be decoded: no hook runs for it.
    frameworkErrors: (error, request, reply) => {
      const { status, body } = errorAnswer(error, request.id);
      const answer: FastifyReply = reply;
      void answer
        .headers({ ...securityHeaders, "x-request-id": request.id })
        .code(status)
        .send({ error: body });
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string" },
    async (_request: unknown, text: string) => parseJsonBody(text),
  );
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({ ...securityHeaders, "x-request-id": request.id });
    // A forge calls under whatever name this host has; its signature says who it is, and no browser can make one.
    if (!request.routeOptions.url?.startsWith("/hooks/"))
      guard.checkOrigin({ headers: request.headers, address: request.ip });
    if (request.is404) throw notFound(request);
    refuseFenced(parts, request);
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = errorAnswer(error, request.id);
    if (status >= 500)
      parts.log("error", `${request.method} ${request.routeOptions.url ?? "?"} failed: ${messageOf(error)}`, {
        requestId: request.id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        ...(error instanceof Error && error.cause !== undefined ? { cause: messageOf(error.cause) } : {}),
      });
    if (status === 401 && !reply.hasHeader("www-authenticate")) reply.header("www-authenticate", "Bearer");
    if (status === 429)
      reply.header("retry-after", String(retryAfter(error) ?? guard.retryAfterSeconds(request.ip)));
    return reply.code(status).send({ error: body });
  });
  app.setNotFoundHandler((request) => {
    throw notFound(request);
  });
  return app;
}

function retryAfter(error: unknown): number | undefined {
  return error instanceof LaterError ? error.retryAfterSeconds : undefined;
}

/** Whoever signs in may look; nothing is changed on a host that was replaced. */
function refuseFenced({ serverLoss }: ApiParts, { method, url }: FastifyRequest): void {
  if (method === "GET" || method === "HEAD" || url.startsWith("/api/v1/session")) return;
  const refusal = serverLoss?.fence.refusal;
  if (refusal) throw refusal;
}

function notFound(request: FastifyRequest): Error {
  const path = request.url.split("?")[0]?.slice(0, 200);
  return apiError("API_NOT_FOUND", `there is no ${request.method} ${path}`);
}
