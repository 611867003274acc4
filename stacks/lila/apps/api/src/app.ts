import { toNodeHandler } from "better-auth/node";
import { sql } from "drizzle-orm";
import express, { type ErrorRequestHandler, type Express } from "express";
import type { Auth } from "./auth.ts";
import { allowOrigin } from "./cors.ts";
import type { Database } from "./database/connect.ts";
import { readQuota } from "./google-quota.ts";
import { metrics } from "./metrics.ts";
import { oauthProviders } from "./providers.ts";
import type { Settings } from "./settings.ts";
import { studyRoutes } from "./study/study-routes.ts";

export type Parts = { db: Database; auth: Auth; settings: Settings };

export function createApp({ db, auth, settings }: Parts): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use((_request, response, next) => {
    response.set({ "x-lila-version": settings.APP_VERSION, "x-content-type-options": "nosniff" });
    next();
  });
  app.get("/health", (_request, response) => {
    response.json({ status: "ok", version: settings.APP_VERSION });
  });
  app.get("/ready", async (_request, response) => {
    const problem = await db.execute(sql`select 1`).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (problem) console.error("ready: the database does not answer", problem);
    response.status(problem ? 503 : 200).json({ status: problem ? "no database" : "ok" });
  });
  app.get("/metrics", metrics(db, settings));
  app.use(allowOrigin(settings.CORS_ORIGIN, settings.BETTER_AUTH_URL));
  // Before the body parser: Better Auth reads the request itself.
  app.all("/api/auth/{*path}", toNodeHandler(auth));
  app.use("/api", (_request, response, next) => {
    response.set("cache-control", "no-store");
    next();
  });
  app.get("/api/sign-in", async (_request, response) => {
    const providers = oauthProviders(settings).map(({ providerId }) => providerId);
    const { state } = await readQuota(db, settings);
    response.json({ providers, googleIsFull: state === "critical" });
  });
  app.use("/api", express.json({ limit: "16kb" }), studyRoutes(db, auth));
  app.use((_request, response) => {
    response.status(404).json({ code: "NOT_FOUND", message: "no such page" });
  });
  app.use(answerError);
  return app;
}

const answerError: ErrorRequestHandler = (error, request, response, next) => {
  if (response.headersSent) return next(error);
  const status = Number(error?.status ?? error?.statusCode ?? 500);
  const isClients = status >= 400 && status < 500;
  if (!isClients) console.error(`${request.method} ${request.path}:`, error);
  response
    .status(isClients ? status : 500)
    .json(
      isClients
        ? { code: "REQUEST_WRONG", message: String(error.message) }
        : { code: "INTERNAL", message: "something went wrong here" },
    );
};
