import { createHash, randomBytes, randomUUID } from "node:crypto";
import { Router } from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { z } from "zod";
import { insertOnce } from "../platform/database.ts";
import { HttpError, unavailable } from "../platform/http-error.ts";
import type { Parts } from "../platform/parts.ts";
import { beginSession } from "./routes.ts";
import { cookieIn } from "./session-cookie.ts";

const discovery = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
});
const identity = z.object({
  email: z.string(),
  email_verified: z.literal(true),
  name: z.string().optional(),
});
const cookie = "nickapp_sign_in";
const limit = () => AbortSignal.timeout(5_000);

/** Sign-in with Google: authorization code with PKCE; the state is bound to this browser by a cookie. */
export function googleRoutes(parts: Parts): Router {
  const { settings, redis } = parts;
  const router = Router();
  const redirectUri = `${settings.PUBLIC_URL}/api/auth/google/callback`;

  router.get("/google", async (_request, response) => {
    const { authorization_endpoint } = await discover(parts);
    const state = randomBytes(16).toString("base64url");
    const verifier = randomBytes(32).toString("base64url");
    await redis.set(`sign-in:${state}`, verifier, { EX: 600 });
    const url = new URL(authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: settings.GOOGLE_CLIENT_ID ?? "",
      redirect_uri: redirectUri,
      response_type: "code",
      scope: "openid email profile",
      state,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    }).toString();
    response.cookie(cookie, state, {
      path: "/api/auth/google",
      httpOnly: true,
      sameSite: "lax",
      maxAge: 600_000,
    });
    response.redirect(url.href);
  });

  router.get("/google/callback", async (request, response) => {
    const { code, state } = request.query;
    if (typeof code !== "string" || typeof state !== "string" || cookieIn(request, cookie) !== state)
      throw new HttpError(400, "WRONG_STATE", "this sign-in was not begun in this browser");
    const verifier = await redis.getDel(`sign-in:${state}`);
    if (!verifier) throw new HttpError(400, "WRONG_STATE", "this sign-in is over; begin again");
    const person = await exchange(parts, { code, verifier, redirectUri });
    const address = person.email.toLowerCase();
    await insertOnce(parts.database.users, {
      _id: randomUUID(),
      email: address,
      name: (person.name ?? address.split("@")[0] ?? "somebody").slice(0, 60),
      passwordHash: null,
      role: "member",
      avatar: null,
      createdAt: new Date(),
    });
    const user = await parts.database.users.findOne({ email: address });
    if (!user) throw unavailable("signing in with Google");
    await beginSession(parts, response, user);
    response.clearCookie(cookie, { path: "/api/auth/google" });
    response.redirect(`${settings.PUBLIC_URL}/`);
  });

  return router;
}

async function discover({ settings }: Parts) {
  if (!settings.GOOGLE_CLIENT_ID) throw unavailable("signing in with Google");
  return fetchJson(
    `${settings.GOOGLE_ISSUER}/.well-known/openid-configuration`,
    { signal: limit() },
    discovery,
  );
}

async function exchange(
  parts: Parts,
  { code, verifier, redirectUri }: { code: string; verifier: string; redirectUri: string },
) {
  const { GOOGLE_CLIENT_ID = "", GOOGLE_CLIENT_SECRET = "" } = parts.settings;
  const { token_endpoint, jwks_uri, issuer } = await discover(parts);
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    client_id: GOOGLE_CLIENT_ID,
    client_secret: GOOGLE_CLIENT_SECRET,
  });
  const { id_token } = await fetchJson(
    token_endpoint,
    { method: "POST", body: form, signal: limit() },
    z.object({ id_token: z.string() }),
  );
  const keys = createRemoteJWKSet(new URL(jwks_uri), { timeoutDuration: 5_000 });
  const { payload } = await jwtVerify(id_token, keys, { issuer, audience: GOOGLE_CLIENT_ID });
  return identity.parse(payload);
}

async function fetchJson<T>(url: string, init: RequestInit, schema: z.ZodType<T>): Promise<T> {
  const response = await fetch(url, init).catch(() => {
    throw unavailable("signing in with Google");
  });
  if (!response.ok) throw unavailable("signing in with Google");
  return schema.parse(await response.json());
}
