import { randomUUID } from "node:crypto";
import { type Response, Router } from "express";
import { z } from "zod";
import { insertOnce, type User } from "../platform/database.ts";
import { conflict, unauthorized } from "../platform/http-error.ts";
import { log } from "../platform/log.ts";
import type { Parts } from "../platform/parts.ts";
import { enforce } from "../platform/rate-limit.ts";
import { accessSeconds } from "./access-tokens.ts";
import { checkPassword, hashPassword } from "./passwords.ts";
import { personIn, requirePerson } from "./require-person.ts";
import { clearRefreshCookie, refreshCookie, setRefreshCookie } from "./session-cookie.ts";

const email = z
  .email()
  .max(200)
  .transform((text) => text.toLowerCase());
const password = z.string().min(10).max(200);
const registration = z.object({ email, password, name: z.string().trim().min(1).max(60) });
const credentials = z.object({ email, password: z.string().max(200) });

export function authRoutes(parts: Parts): Router {
  const { database, redis, families, settings } = parts;
  const router = Router();
  const logins = { name: "login", most: settings.LOGINS_PER_MINUTE, windowMs: 60_000 };

  router.post("/register", async (request, response) => {
    const wanted = registration.parse(request.body);
    const user: User = {
      _id: randomUUID(),
      email: wanted.email,
      name: wanted.name,
      passwordHash: await hashPassword(wanted.password),
      role: "member",
      avatar: null,
      createdAt: new Date(),
    };
    if (!(await insertOnce(database.users, user))) throw conflict("this address has an account already");
    await signIn(parts, response.status(201), user);
  });

  router.post("/login", async (request, response) => {
    const given = credentials.parse(request.body);
    response.set(await enforce(redis, logins, given.email));
    const user = await database.users.findOne({ email: given.email });
    if (!(await checkPassword(given.password, user?.passwordHash)) || !user)
      throw unauthorized("address or password is wrong");
    await signIn(parts, response, user);
  });

  router.post("/refresh", async (request, response) => {
    const outcome = await families.refresh(refreshCookie(request) ?? "");
    if (outcome.kind !== "rotated") {
      if (outcome.kind === "reused") log("refresh.reused", { session: outcome.session });
      clearRefreshCookie(response);
      throw unauthorized("the session has ended");
    }
    const user = await database.users.findOne({ _id: outcome.user });
    if (!user) throw unauthorized("the session has ended");
    setRefreshCookie(response, outcome.token, isSecure(parts));
    response.json(await answer(parts, user, outcome.session));
  });

  router.post("/logout", requirePerson(parts), async (request, response) => {
    await families.revoke(personIn(request).session);
    clearRefreshCookie(response);
    response.status(204).end();
  });

  return router;
}

/** Begins a session: refresh token as a cookie. */
export async function beginSession(parts: Parts, response: Response, user: User): Promise<string> {
  const { session, token } = await parts.families.begin(user._id);
  setRefreshCookie(response, token, isSecure(parts));
  return session;
}

async function signIn(parts: Parts, response: Response, user: User): Promise<void> {
  const session = await beginSession(parts, response, user);
  response.json(await answer(parts, user, session));
}

async function answer({ tokens }: Parts, user: User, session: string) {
  return { accessToken: await tokens.issue(user, session), expiresIn: accessSeconds, user: publicUser(user) };
}

const publicUser = ({ _id, name, role, avatar }: User) => ({ id: _id, name, role, avatar });

const isSecure = ({ settings }: Parts) => settings.PUBLIC_URL.startsWith("https:");

/** Whoever decides disputes is named by configuration, never by registration. */
export async function ensureArbiter({ database, settings }: Parts): Promise<void> {
  const { ARBITER_EMAIL, ARBITER_PASSWORD } = settings;
  if (!ARBITER_EMAIL || !ARBITER_PASSWORD) return;
  await insertOnce(database.users, {
    _id: "arbiter",
    email: ARBITER_EMAIL.toLowerCase(),
    name: "Arbiter",
    passwordHash: await hashPassword(ARBITER_PASSWORD),
    role: "arbiter",
    avatar: null,
    createdAt: new Date(),
  });
}
