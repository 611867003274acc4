import { z } from "zod";

export const roleNames = ["gateway", "admin-api", "dailies"] as const;
export type RoleName = (typeof roleNames)[number];

const url = (what: string) => z.url({ protocol: /^https?$/, error: `is not an http address: ${what}` });
const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

const schema = z.object({
  APP_VERSION: z.string().default("1"),
  HOST: z.string().default("0.0.0.0"),
  PORT: count(1, 65_535).default(8787),
  ROLES: z
    .string()
    .default(roleNames.join(","))
    .transform((text) => text.split(",").map((name) => name.trim()))
    .pipe(z.array(z.enum(roleNames, { error: `knows only ${roleNames.join(", ")}` })).min(1)),
  DATABASE_URL: z
    .string({ error: "is missing: where PostgreSQL is, e.g. postgres://user:password@db:5432/mileage" })
    .regex(/^postgres(ql)?:\/\//, "does not begin with postgres://"),
  DISCORD_TOKEN: z.string({ error: "is missing: the bot's token from Discord's developer portal" }).min(1),
  DISCORD_API: url("Discord's REST API").default("https://discord.com/api"),
  DISCORD_AUTHORIZE_URL: url("Discord's sign-in page").default("https://discord.com/oauth2/authorize"),
  DISCORD_CLIENT_ID: z.string({ error: "is missing: the OAuth2 client id, for signing in to the dashboard" }),
  DISCORD_CLIENT_SECRET: z.string({
    error: "is missing: the OAuth2 client secret, for signing in to the dashboard",
  }),
  PUBLIC_URL: url("where the browser reaches the dashboard"),
  ADMIN_ROLE_IDS: z
    .string()
    .default("")
    .transform((text) => text.split(",").filter((id) => id !== ""))
    .pipe(z.array(z.string().regex(/^\d{1,20}$/, "holds something else than role ids"))),
  SESSION_MINUTES: count(5, 1440).default(60),
  SPOOL_DIR: z.string().default("./spool"),
  DAILIES_TICK_SECONDS: count(1, 3600).default(30),
  PREPARE_ON_START: z.enum(["", "0", "1"]).default(""),
});

export type Settings = z.output<typeof schema>;

export type SettingsOutcome = { ok: true; settings: Settings } | { ok: false; problems: readonly string[] };

/** Reads every variable and names every problem, one line each, without repeating a secret value. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): SettingsOutcome {
  // Compose writes an unset `${X:-}` as an empty text: both mean "not given".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return { ok: true, settings: parsed.data };
  const problems = parsed.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`);
  return { ok: false, problems: [...new Set(problems)] };
}
