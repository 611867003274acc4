import { Router, raw } from "express";
import { z } from "zod";
import { HttpError } from "./http-error.ts";
import type { Settings } from "./settings.ts";

const headerSchema = z.looseObject({ sdk: z.unknown().optional() });

/**
 * Browsers report errors to their own origin, and this passes them on: content blockers do not lose them, and the
 * page's policy names no third host. Only to the configured DSN, whatever the envelope says.
 */
export function errorTunnel(settings: Settings): Router {
  const router = Router();
  router.post("/", raw({ type: () => true, limit: "200kb" }), async (request, response) => {
    if (!settings.SENTRY_DSN || !Buffer.isBuffer(request.body)) return void response.status(204).end();
    const dsn = new URL(settings.SENTRY_DSN);
    const end = request.body.indexOf(10);
    const header = headerSchema.parse(
      JSON.parse(request.body.subarray(0, Math.max(end, 0)).toString("utf8")),
    );
    const envelope = Buffer.concat([
      Buffer.from(JSON.stringify({ ...header, dsn: settings.SENTRY_DSN })),
      request.body.subarray(end),
    ]);
    const url = `${dsn.protocol}//${dsn.host}/api${dsn.pathname}/envelope/?sentry_key=${dsn.username}`;
    const passed = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/x-sentry-envelope" },
      body: envelope,
      signal: AbortSignal.timeout(5_000),
    }).catch(() => undefined);
    if (!passed?.ok) throw new HttpError(502, "NOT_REPORTED", "the error report was not taken");
    response.status(200).end();
  });
  return router;
}
