import { z } from "zod";

/** What every backend of the ecosystem reads from its environment. */
export const commonSettings = z.object({
  PORT: z.coerce.number().int().min(1).max(65535),
  APP_VERSION: z.string().default("1"),
  DATABASE_URL: z.url(),
  REDIS_URL: z.url(),
  TOKEN_ISSUER: z.string().default("mana-core-auth"),
});

export type CommonSettings = z.infer<typeof commonSettings>;

/** Parses the environment once, at start; says everything that is wrong and ends the process, without values. */
export function readSettings<T>(schema: z.ZodType<T>): T {
  // Compose passes an unset variable as an empty one.
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues)
    process.stderr.write(`environment: ${issue.path.join(".")}: ${issue.message}\n`);
  process.exit(1);
}
