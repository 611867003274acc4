import express, { type Express } from "express";
import type { Database } from "../database/pool.ts";
import { reasonOf } from "../log.ts";
import type { RoleBoard } from "../role-board.ts";
import type { Settings } from "../settings.ts";
import { type AdminParts, adminRoutes } from "./admin-routes.ts";
import { authRoutes } from "./auth-routes.ts";
import { requireAdministrator, requireSameOrigin } from "./guards.ts";
import { answerProblem, Problem } from "./problem.ts";
import { Sessions } from "./sessions.ts";

export type AppParts = AdminParts & { settings: Settings; database: Database; board: RoleBoard };

/** Health for every role; the admin API and sign-in where that role is on. */
export function createApp(parts: AppParts): Express {
  const { settings, board } = parts;
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);
  app.use((_request, response, next) => {
    response.set({
      "X-App-Version": settings.APP_VERSION,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    });
    next();
  });
  addHealth(app, parts);
  if (settings.ROLES.includes("admin-api")) {
    const sessions = new Sessions(parts.database, settings.SESSION_MINUTES);
    app.use("/auth", authRoutes(settings, sessions));
    app.use(
      "/api",
      requireSameOrigin(settings.PUBLIC_URL),
      requireAdministrator(sessions, settings.PUBLIC_URL),
      express.json({ limit: "20kb" }),
      adminRoutes(parts),
    );
    board.set("admin-api", "up");
  }
  app.use(() => {
    throw new Problem(404, "NOT_FOUND", "there is nothing here");
  });
  app.use(answerProblem);
  return app;
}

function addHealth(app: Express, { settings, database, board, recorder }: AppParts): void {
  // Liveness: a role that lost its outside service is degraded, and a restart would not help it.
  app.get("/health", (_request, response) => {
    response.json({ status: "ok", version: settings.APP_VERSION, roles: board.view() });
  });
  app.get("/ready", async (_request, response) => {
    const fault = await database.query("select 1").then(
      () => undefined,
      (error: unknown) => reasonOf(error),
    );
    const ready = fault === undefined && board.complete;
    response.status(ready ? 200 : 503).json({
      status: ready ? "ready" : "degraded",
      version: settings.APP_VERSION,
      database: fault === undefined ? "up" : fault,
      queue: recorder.view(),
      roles: board.view(),
    });
  });
}
