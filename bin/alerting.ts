import { type AlertWorks, makeAlerting } from "../src/alerting/make-alerting.ts";
import type { AlertingParts, ScopeAlertSettings } from "../src/alerting/parts.ts";
import { alertSettings } from "../src/alerting/scope-settings.ts";
import { BoundedCache } from "../src/lib/bounded-cache.ts";
import { DiscordNotifier } from "../src/notify/drivers/discord.ts";
import { EmailNotifier } from "../src/notify/drivers/email.ts";
import { SlackNotifier } from "../src/notify/drivers/slack.ts";
import { WebhookNotifier } from "../src/notify/drivers/webhook.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import type { ReleaseId } from "../src/rollout/ids.ts";
import { loadBundle } from "./resolve-bundle.ts";

/** More releases than this are hardly current at once. */
const remembered = 200;

type Parts = Pick<EngineParts, "store" | "clock" | "ids" | "log"> &
  Pick<AlertingParts, "mask" | "backups"> & { telemetry?: AlertingParts["telemetry"] };

/** Rules, channels and outbox out of real drivers. Without series only what the store knows is judged. */
export function makeAlerts({ telemetry = { range: () => [] }, ...parts }: Parts): AlertWorks {
  const known = new BoundedCache<ReleaseId, ScopeAlertSettings | false>(remembered);
  const notifiers = {
    webhook: new WebhookNotifier(parts.clock),
    discord: new DiscordNotifier(),
    slack: new SlackNotifier(),
    email: new EmailNotifier(),
  };
  const settingsOf: AlertingParts["settingsOf"] = (scope) => {
    const current = parts.store.scopes.get(scope)?.current;
    if (current === undefined) return undefined;
    const cached = known.get(current);
    if (cached !== undefined) return cached || undefined;
    const release = parts.store.releases.get(current);
    const model = release && loadBundle(release.bundle, scope.environment, { accepted: true }).model;
    const settings = alertSettings(model, scope.environment);
    known.set(current, settings ?? false);
    return settings;
  };
  return makeAlerting({ ...parts, telemetry, notifiers, settingsOf });
}
