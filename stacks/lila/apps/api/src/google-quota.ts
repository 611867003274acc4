import { count, eq } from "drizzle-orm";
import type { Database } from "./database/connect.ts";
import { account } from "./database/schema.ts";
import type { Settings } from "./settings.ts";

/**
 * While Google's consent screen is in testing mode, Google lets in 100 people in all. Past that it refuses with a
 * page of its own that explains nothing, so we stop one step earlier and say why.
 */
export type QuotaState = "ok" | "warning" | "critical";

export type Quota = { users: number; warning: number; limit: number; state: QuotaState };

type Limits = Pick<Settings, "GOOGLE_USER_LIMIT" | "GOOGLE_USER_WARNING">;

export function judgeQuota(users: number, limits: Limits): Quota {
  const { GOOGLE_USER_LIMIT: limit, GOOGLE_USER_WARNING: warning } = limits;
  const state = users >= limit ? "critical" : users >= warning ? "warning" : "ok";
  return { users, warning, limit, state };
}

export async function readQuota(db: Database, limits: Limits): Promise<Quota> {
  const [row] = await db.select({ users: count() }).from(account).where(eq(account.providerId, "google"));
  return judgeQuota(row?.users ?? 0, limits);
}

export const quotaReached = {
  error: "google_user_limit",
  errorDescription: "No more Google sign-ups for now: the test phase is full. Please sign in with GitHub.",
};
