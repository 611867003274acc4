import { timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import { Gauge, Registry } from "prom-client";
import type { Database } from "./database/connect.ts";
import { readQuota } from "./google-quota.ts";
import type { Settings } from "./settings.ts";

/** Prometheus text for whoever has the token; without a token configured the page does not exist. */
export function metrics(db: Database, settings: Settings): RequestHandler {
  const registry = new Registry();
  registry.setDefaultLabels({ version: settings.APP_VERSION });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const users = gauge("lila_google_users", "People who signed up through Google.");
  gauge("lila_google_users_warning", "From here on the consent screen should be published.").set(
    settings.GOOGLE_USER_WARNING,
  );
  gauge("lila_google_users_limit", "No further Google sign-ups from here on.").set(
    settings.GOOGLE_USER_LIMIT,
  );
  const level = gauge("lila_google_quota_level", "0 ok, 1 warning, 2 critical.");
  return async (request, response) => {
    if (!settings.METRICS_TOKEN) {
      response.status(404).json({ code: "NOT_FOUND", message: "no such page" });
      return;
    }
    if (!sameText(request.headers.authorization ?? "", `Bearer ${settings.METRICS_TOKEN}`)) {
      response.status(401).json({ code: "TOKEN_REFUSED", message: "a valid token is needed" });
      return;
    }
    const quota = await readQuota(db, settings);
    users.set(quota.users);
    level.set(["ok", "warning", "critical"].indexOf(quota.state));
    response.type(registry.contentType).send(await registry.metrics());
  };
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
