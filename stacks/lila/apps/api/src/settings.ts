import { z } from "zod";

/** Good enough to try the stack on one's own machine; `readSettings` refuses it for any public address. */
const demoSecret = "only-for-trying-lila-on-this-machine";

/** Compose passes `${NAME:-}` as an empty string; for all of these that means "not set". */
const emptyIsUnset = (value: unknown) => (value === "" ? undefined : value);
const text = z.preprocess(emptyIsUnset, z.string().optional());
const url = (fallback: string) => z.preprocess(emptyIsUnset, z.url().default(fallback));
const origin = z
  .url()
  .refine((value) => new URL(value).origin === value, "must be an origin: scheme, host and port only");
const port = z.preprocess(emptyIsUnset, z.coerce.number().int().min(1).max(65_535).default(3000));

const environment = z.object({
  APP_VERSION: z.preprocess(emptyIsUnset, z.string().default("dev")),
  HOST: z.preprocess(emptyIsUnset, z.string().default("0.0.0.0")),
  PORT: port,
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  DATABASE_POOL_SIZE: z.preprocess(emptyIsUnset, z.coerce.number().int().min(1).max(100).default(10)),
  BETTER_AUTH_URL: origin,
  BETTER_AUTH_SECRET: z.string().min(32, "must have at least 32 characters"),
  CORS_ORIGIN: origin,
  COOKIE_DOMAIN: z.preprocess(
    emptyIsUnset,
    z
      .string()
      .regex(/^\.[a-z0-9-]+(\.[a-z0-9-]+)+$/, "must look like .example.com")
      .optional(),
  ),
  GOOGLE_CLIENT_ID: text,
  GOOGLE_CLIENT_SECRET: text,
  GOOGLE_AUTHORIZATION_URL: url("https://accounts.google.com/o/oauth2/v2/auth"),
  GOOGLE_TOKEN_URL: url("https://oauth2.googleapis.com/token"),
  GOOGLE_USERINFO_URL: url("https://openidconnect.googleapis.com/v1/userinfo"),
  GOOGLE_USER_LIMIT: z.preprocess(emptyIsUnset, z.coerce.number().int().min(1).default(100)),
  GOOGLE_USER_WARNING: z.preprocess(emptyIsUnset, z.coerce.number().int().min(0).default(80)),
  GITHUB_CLIENT_ID: text,
  GITHUB_CLIENT_SECRET: text,
  GITHUB_AUTHORIZATION_URL: url("https://github.com/login/oauth/authorize"),
  GITHUB_TOKEN_URL: url("https://github.com/login/oauth/access_token"),
  GITHUB_API_URL: url("https://api.github.com"),
  METRICS_TOKEN: text,
});

export type Settings = z.infer<typeof environment>;

/** All problems at once, each with the variable's name and never with its value. */
export class SettingsError extends Error {}

export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const result = environment.safeParse(env);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new SettingsError(`wrong environment:\n  ${problems.join("\n  ")}`);
  }
  const problems = contradictions(result.data);
  if (problems.length > 0) throw new SettingsError(`wrong environment:\n  ${problems.join("\n  ")}`);
  return result.data;
}

function contradictions(settings: Settings): string[] {
  const api = new URL(settings.BETTER_AUTH_URL);
  const web = new URL(settings.CORS_ORIGIN);
  const problems: string[] = [];
  if (settings.BETTER_AUTH_SECRET === demoSecret && !isThisMachine(api.hostname))
    problems.push("BETTER_AUTH_SECRET: the demo secret is refused for a public address");
  const domain = settings.COOKIE_DOMAIN?.slice(1);
  for (const host of domain === undefined ? [] : [api.hostname, web.hostname])
    if (host !== domain && !host.endsWith(`.${domain}`))
      problems.push(`COOKIE_DOMAIN: ${host} is outside of it, so its browser would drop the cookie`);
  for (const provider of ["GOOGLE", "GITHUB"] as const) {
    const id = settings[`${provider}_CLIENT_ID`];
    const secret = settings[`${provider}_CLIENT_SECRET`];
    if ((id === undefined) !== (secret === undefined))
      problems.push(`${provider}_CLIENT_ID and ${provider}_CLIENT_SECRET: give both or neither`);
  }
  if (settings.GOOGLE_USER_WARNING > settings.GOOGLE_USER_LIMIT)
    problems.push("GOOGLE_USER_WARNING: must not be above GOOGLE_USER_LIMIT");
  return problems;
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "127.0.0.1";
}
