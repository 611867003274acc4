import { z } from "zod";

const secret = (least: number) => z.string().min(least, `needs at least ${least} characters`);
const optional = z
  .string()
  .optional()
  .transform((text) => text?.trim() || undefined);

/** Everything the process reads from its environment. What only one feature needs is optional: without it that feature says so. */
const schema = z.object({
  PORT: z.coerce.number().int().default(5001),
  APP_VERSION: z.string().default("0"),
  PUBLIC_URL: z.url(),
  JWT_SECRET: secret(16),
  REFRESH_TOKEN_SECRET: secret(16),
  MONGODB_URI: z.string().startsWith("mongodb"),
  MONGODB_DATABASE: z.string().default("nickapp"),
  REDIS_URL: z.string().startsWith("redis"),
  REDIS_PASSWORD: secret(8),
  UPLOADS_DIR: z.string().default("/app/uploads"),
  ARBITER_EMAIL: optional,
  ARBITER_PASSWORD: optional,
  SHKEEPER_URL: optional,
  SHKEEPER_API_KEY: optional,
  SHKEEPER_WEBHOOK_SECRET: optional,
  SHKEEPER_CRYPTO: z.string().default("ETH-USDT"),
  CALLBACK_URL: optional,
  SMTP_HOST: optional,
  SMTP_PORT: z.coerce.number().int().default(587),
  SMTP_USER: optional,
  SMTP_PASS: optional,
  SMTP_VERIFY: z.enum(["true", "false"]).default("true"),
  MAIL_FROM: z.string().default("nickapp <no-reply@nickapp.localhost>"),
  OPENAI_BASE_URL: z.url().default("https://api.openai.com/v1"),
  OPENAI_API_KEY: optional,
  OPENAI_MODEL: z.string().default("gpt-4o-mini"),
  SENTRY_DSN: optional,
  GOOGLE_ISSUER: z.url().default("https://accounts.google.com"),
  GOOGLE_CLIENT_ID: optional,
  GOOGLE_CLIENT_SECRET: optional,
  RATE_PER_MINUTE: z.coerce.number().int().positive().default(1200),
  LOGINS_PER_MINUTE: z.coerce.number().int().positive().default(10),
});

export type Settings = z.infer<typeof schema>;

/** All problems at once, by name and never with the value. */
export function readSettings(env: Record<string, string | undefined>): Settings {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`the environment is not complete:\n${lines.join("\n")}`);
}
