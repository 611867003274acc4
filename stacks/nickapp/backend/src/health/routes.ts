import { Router } from "express";
import type { Parts } from "../platform/parts.ts";

/** `/health`: the process lives, with what it sees of its dependencies. `/ready`: it can do its work. */
export function healthRoutes(
  parts: Pick<Parts, "settings" | "database" | "redis">,
  isClosing: () => boolean,
): Router {
  const router = Router();
  const version = parts.settings.APP_VERSION;
  router.get("/health", async (_request, response) => {
    response.json({ status: "ok", version, ...(await dependencies(parts)) });
  });
  router.get("/ready", async (_request, response) => {
    const states = await dependencies(parts);
    const ready = !isClosing() && states.mongo === "up" && states.redis === "up";
    response.status(ready ? 200 : 503).json({ status: ready ? "ready" : "not ready", version, ...states });
  });
  return router;
}

async function dependencies({ database, redis }: Pick<Parts, "database" | "redis">) {
  const [mongo, cache] = await Promise.all([
    answers(database.client.db("admin").command({ ping: 1 }, { timeoutMS: 2_000 })),
    answers(redis.ping()),
  ]);
  return { mongo, redis: cache };
}

async function answers(work: Promise<unknown>): Promise<"up" | "down"> {
  const late = new Promise<"down">((resolve) => setTimeout(() => resolve("down"), 2_000).unref());
  return Promise.race([
    work.then(
      () => "up" as const,
      () => "down" as const,
    ),
    late,
  ]);
}
