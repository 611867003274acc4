import { type Environment, listFrom } from "../shared/settings.ts";

export type IdentitySettings = {
  /** Empty: `http://localhost:<port>`. */
  publicUrl: string;
  clientId: string;
  clientSecret: string;
  redirectUris: string[];
};

export function identitySettings(env: Environment): IdentitySettings {
  return {
    publicUrl: (env["PUBLIC_URL"] ?? "").replace(/\/$/, ""),
    clientId: env["CLIENT_ID"] || "stand-in-client",
    clientSecret: env["CLIENT_SECRET"] || "stand-in-secret",
    redirectUris: listFrom(env, "REDIRECT_URIS"),
  };
}
