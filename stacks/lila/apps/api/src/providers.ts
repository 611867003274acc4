import type { GenericOAuthConfig } from "better-auth/plugins";
import { z } from "zod";
import type { Settings } from "./settings.ts";

const timeoutMs = 10_000;

const googleProfile = z.object({
  sub: z.string().min(1),
  email: z.email(),
  email_verified: z.boolean().default(false),
  name: z.string().optional(),
  picture: z.url().optional(),
});
const githubProfile = z.object({
  id: z.number(),
  login: z.string(),
  name: z.string().nullish(),
  avatar_url: z.url().nullish(),
});
const githubEmails = z.array(z.object({ email: z.email(), primary: z.boolean(), verified: z.boolean() }));

/**
 * Google and GitHub with every address from the settings: Better Auth's built-in providers have theirs fixed, and a
 * test must be able to run the same code against a stand-in. A provider without a client id is left out.
 */
export function oauthProviders(settings: Settings): GenericOAuthConfig[] {
  const providers: GenericOAuthConfig[] = [];
  const { GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET } = settings;
  if (GOOGLE_CLIENT_ID && GOOGLE_CLIENT_SECRET)
    providers.push(google(settings, GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET));
  if (GITHUB_CLIENT_ID && GITHUB_CLIENT_SECRET)
    providers.push(github(settings, GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET));
  return providers;
}

function google(settings: Settings, clientId: string, clientSecret: string): GenericOAuthConfig {
  return {
    providerId: "google",
    clientId,
    clientSecret,
    authorizationUrl: settings.GOOGLE_AUTHORIZATION_URL,
    tokenUrl: settings.GOOGLE_TOKEN_URL,
    scopes: ["openid", "email", "profile"],
    pkce: true,
    prompt: "select_account",
    async getUserInfo({ accessToken }) {
      const profile = googleProfile.parse(await ask(settings.GOOGLE_USERINFO_URL, accessToken));
      return {
        id: profile.sub,
        email: profile.email,
        emailVerified: profile.email_verified,
        name: profile.name ?? profile.email,
        ...(profile.picture === undefined ? {} : { image: profile.picture }),
      };
    },
  };
}

function github(settings: Settings, clientId: string, clientSecret: string): GenericOAuthConfig {
  return {
    providerId: "github",
    clientId,
    clientSecret,
    authorizationUrl: settings.GITHUB_AUTHORIZATION_URL,
    tokenUrl: settings.GITHUB_TOKEN_URL,
    scopes: ["read:user", "user:email"],
    pkce: true,
    async getUserInfo({ accessToken }) {
      const profile = githubProfile.parse(await ask(`${settings.GITHUB_API_URL}/user`, accessToken));
      // The profile shows only a public address; the list has the primary one and whether GitHub verified it.
      const emails = githubEmails.parse(await ask(`${settings.GITHUB_API_URL}/user/emails`, accessToken));
      const email = emails.find(({ primary }) => primary) ?? emails[0];
      if (!email) return null;
      return {
        id: String(profile.id),
        email: email.email,
        emailVerified: email.verified,
        name: profile.name ?? profile.login,
        ...(profile.avatar_url ? { image: profile.avatar_url } : {}),
      };
    },
  };
}

async function ask(url: string, accessToken: string | undefined): Promise<unknown> {
  const answer = await fetch(url, {
    headers: {
      accept: "application/json",
      authorization: `Bearer ${accessToken ?? ""}`,
      "user-agent": "lila",
    },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!answer.ok) throw new Error(`${new URL(url).pathname} answered ${answer.status}`);
  return answer.json();
}
