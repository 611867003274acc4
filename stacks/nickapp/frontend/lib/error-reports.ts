import * as Sentry from "@sentry/browser";

/** Errors of the page go to the own origin, which passes them on; nothing else is collected. */
export function startReports(dsn: string, version: string): void {
  if (!dsn || Sentry.isInitialized()) return;
  Sentry.init({
    dsn,
    tunnel: "/api/error-reports",
    release: `nickapp-frontend@${version}`,
    integrations: (defaults) =>
      defaults.filter(({ name }) => name !== "BrowserSession" && name !== "Breadcrumbs"),
  });
}
