import { randomUUID } from "node:crypto";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { ZodError } from "zod";
import { assistRoutes } from "./assist/routes.ts";
import { googleRoutes } from "./auth/google.ts";
import { requirePerson } from "./auth/require-person.ts";
import { authRoutes } from "./auth/routes.ts";
import { dealRoutes } from "./deals/routes.ts";
import { healthRoutes } from "./health/routes.ts";
import { marketRoutes } from "./market/routes.ts";
import { webhookRoutes } from "./payments/webhook.ts";
import { errorTunnel } from "./platform/error-tunnel.ts";
import { HttpError } from "./platform/http-error.ts";
import { log } from "./platform/log.ts";
import type { Parts } from "./platform/parts.ts";
import { limitByAddress } from "./platform/rate-limit.ts";
import { report } from "./platform/report-errors.ts";
import { uploadRoutes } from "./uploads/routes.ts";

export function makeApp(parts: Parts, isClosing: () => boolean): Express {
  const { settings, redis } = parts;
  const app = express();
  app.disable("x-powered-by");
  // Exactly one proxy stands in front: the edge, or nginx under plain Compose.
  app.set("trust proxy", 1);
  app.use((_request, response, next) => {
    response.set({ "x-app-version": settings.APP_VERSION, "x-content-type-options": "nosniff" });
    next();
  });
  app.use(healthRoutes(parts, isClosing));
  const api = express.Router();
  api.use(healthRoutes(parts, isClosing));
  api.use(limitByAddress(redis, { name: "api", most: settings.RATE_PER_MINUTE, windowMs: 60_000 }));
  api.use("/payments", webhookRoutes(parts));
  api.use("/error-reports", errorTunnel(settings));
  api.use(uploadRoutes(parts));
  api.use(express.json({ limit: "100kb" }));
  api.use("/auth", authRoutes(parts), googleRoutes(parts));
  api.use("/assist", assistRoutes(parts));
  api.use("/deals", requirePerson(parts), dealRoutes(parts));
  api.use(marketRoutes(parts));
  app.use("/api", api);
  app.use(() => {
    throw new HttpError(404, "NOT_FOUND", "no such address");
  });
  app.use(answerError);
  return app;
}

function answerError(error: unknown, request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const known = expected(error);
  if (known) {
    response.status(known.status).set(known.headers).json({ error: known.code, message: known.message });
    return;
  }
  const id = request.get("x-request-id") ?? randomUUID();
  log("request.failed", {
    id,
    path: request.path,
    message: error instanceof Error ? error.message : String(error),
  });
  report(error, { requestId: id, path: request.route ? String(request.route.path) : "unknown" });
  response.status(500).json({ error: "FAILED", message: `something went wrong (${id})` });
}

function expected(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error instanceof ZodError) {
    const first = error.issues[0];
    return new HttpError(400, "INVALID", `${first?.path.join(".") ?? ""}: ${first?.message ?? "not valid"}`);
  }
  if (error instanceof SyntaxError) return new HttpError(400, "INVALID", "not JSON");
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  return typeof status === "number" && status >= 400 && status < 500
    ? new HttpError(status, "REFUSED", "the request was refused")
    : undefined;
}
