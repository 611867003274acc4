import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { Router } from "express";
import { z } from "zod";
import { log, reasonOf } from "../log.ts";
import type { Settings } from "../settings.ts";
import { cookieNames, cookieOptions, readCookie } from "./cookies.ts";
import { DiscordOAuth } from "./discord-oauth.ts";
import { requireSameOrigin } from "./guards.ts";
import { Problem } from "./problem.ts";
import type { Sessions } from "./sessions.ts";

const attemptMs = 10 * 60_000;
const attemptSchema = z.object({ state: z.string(), verifier: z.string(), returnTo: z.string() });

/** Sign-in leads back to the page that asked for it; the attempt lives in a cookie, so it survives a restart too. */
export function authRoutes(settings: Settings, sessions: Sessions): Router {
  const router = Router();
  const oauth = new DiscordOAuth(settings);
  const names = cookieNames(settings.PUBLIC_URL);
  const options = cookieOptions(settings.PUBLIC_URL);

  router.get("/login", (request, response) => {
    const attempt = {
      state: randomBytes(24).toString("base64url"),
      verifier: randomBytes(32).toString("base64url"),
      returnTo: safeReturnTo(request.query["returnTo"]),
    };
    const challenge = createHash("sha256").update(attempt.verifier).digest("base64url");
    const value = Buffer.from(JSON.stringify(attempt)).toString("base64url");
    response.cookie(names.signIn, value, { ...options, maxAge: attemptMs });
    response.redirect(oauth.signInUrl(attempt.state, challenge));
  });

  router.get("/callback", async (request, response) => {
    const attempt = readAttempt(readCookie(request, names.signIn));
    response.clearCookie(names.signIn, options);
    if (!attempt || !sameText(attempt.state, String(request.query["state"] ?? "")))
      throw new Problem(
        400,
        "SIGN_IN_STATE",
        "this sign-in was not begun here or has expired; please start again",
      );
    // Cancelled on Discord's page: back to where it began, still signed out.
    if (request.query["error"] !== undefined) return response.redirect(attempt.returnTo);
    const code = String(request.query["code"] ?? "");
    const session = await oauth.redeem(code, attempt.verifier).catch((error: unknown) => {
      log.warn("sign-in failed at Discord", { reason: reasonOf(error) });
      throw new Problem(502, "DISCORD_AWAY", "Discord does not answer; please sign in again");
    });
    if (!session)
      throw new Problem(400, "SIGN_IN_CODE", "Discord did not accept this sign-in; please start again");
    response.cookie(names.session, await sessions.open(session), options);
    log.info("signed in", { userId: session.userId, guilds: session.guildIds.length });
    response.redirect(attempt.returnTo);
  });

  router.post("/logout", requireSameOrigin(settings.PUBLIC_URL), async (request, response) => {
    const token = readCookie(request, names.session);
    if (token !== undefined) await sessions.close(token);
    response.clearCookie(names.session, options);
    response.status(204).end();
  });
  return router;
}

/** Only a path of this site: never another host, also not as `//host` or with a backslash. */
export function safeReturnTo(value: unknown): string {
  const fallback = "/";
  if (typeof value !== "string" || value.length > 500 || !value.startsWith("/")) return fallback;
  const base = "http://dashboard.invalid";
  if (!URL.canParse(value, base)) return fallback;
  const url = new URL(value, base);
  return url.origin === base ? `${url.pathname}${url.search}` : fallback;
}

function readAttempt(value: string | undefined): z.output<typeof attemptSchema> | undefined {
  try {
    const parsed = attemptSchema.safeParse(
      JSON.parse(Buffer.from(value ?? "", "base64url").toString("utf8")),
    );
    return parsed.success ? { ...parsed.data, returnTo: safeReturnTo(parsed.data.returnTo) } : undefined;
  } catch {
    return undefined;
  }
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
