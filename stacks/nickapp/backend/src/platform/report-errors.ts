import * as Sentry from "@sentry/node";
import type { Settings } from "./settings.ts";

/** Sentry, or nothing without a DSN. Only the error itself goes out: no headers, cookies, bodies or addresses. */
export function startReports(settings: Settings): void {
  if (!settings.SENTRY_DSN) return;
  Sentry.init({
    dsn: settings.SENTRY_DSN,
    release: `nickapp-backend@${settings.APP_VERSION}`,
    environment: "production",
    enableOpenTelemetrySetup: false,
    defaultIntegrations: false,
    integrations: [Sentry.linkedErrorsIntegration(), Sentry.nodeContextIntegration()],
    maxBreadcrumbs: 0,
    beforeSend(event) {
      delete event.request;
      delete event.user;
      return event;
    },
  });
}

export function report(error: unknown, tags: Record<string, string>): void {
  Sentry.captureException(error, { tags });
}

export async function finishReports(): Promise<void> {
  await Sentry.close(2_000);
}
