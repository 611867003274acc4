import { betterAuth } from "better-auth";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { genericOAuth } from "better-auth/plugins";
import type { Database } from "./database/connect.ts";
import * as schema from "./database/schema.ts";
import { quotaReached, readQuota } from "./google-quota.ts";
import { oauthProviders } from "./providers.ts";
import type { Settings } from "./settings.ts";

export type Auth = ReturnType<typeof createAuth>;

/** Sign-in inside the API; no service of its own. */
export function createAuth(db: Database, settings: Settings) {
  const { COOKIE_DOMAIN } = settings;
  return betterAuth({
    appName: "Lila",
    baseURL: settings.BETTER_AUTH_URL,
    secret: settings.BETTER_AUTH_SECRET,
    trustedOrigins: [settings.CORS_ORIGIN],
    database: drizzleAdapter(db, { provider: "pg", schema, transaction: true }),
    plugins: [genericOAuth({ config: oauthProviders(settings) })],
    account: { accountLinking: { enabled: true } },
    session: { expiresIn: 30 * 24 * 3600, updateAge: 24 * 3600 },
    user: {
      async validateUserInfo({ source }) {
        if (source.oauth?.providerId !== "google" || source.action === "sign-in") return undefined;
        const { state } = await readQuota(db, settings);
        return state === "critical" ? quotaReached : undefined;
      },
    },
    rateLimit: { enabled: true, customRules: { "/sign-in/social": { window: 60, max: 30 } } },
    advanced: {
      // With a domain the cookie is valid on the web's host too; without one it stays with the API's host.
      crossSubDomainCookies: COOKIE_DOMAIN ? { enabled: true, domain: COOKIE_DOMAIN } : { enabled: false },
      useSecureCookies: settings.BETTER_AUTH_URL.startsWith("https://"),
    },
    telemetry: { enabled: false },
  });
}
