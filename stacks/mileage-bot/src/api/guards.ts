import type { Request, RequestHandler, Response } from "express";
import { cookieNames, readCookie } from "./cookies.ts";
import { Problem } from "./problem.ts";
import type { Session, Sessions } from "./sessions.ts";

/** Against cross-site requests: what changes something must come from a page of the dashboard's own origin. */
export function requireSameOrigin(publicUrl: string): RequestHandler {
  const { origin } = new URL(publicUrl);
  return (request, _response, next) => {
    const safe = ["GET", "HEAD"].includes(request.method);
    if (safe || request.headers.origin === origin) return next();
    throw new Problem(403, "CROSS_SITE", "this request did not come from the dashboard");
  };
}

/** 401 without a session, 403 for somebody who administers no guild. */
export function requireAdministrator(sessions: Sessions, publicUrl: string): RequestHandler {
  const { session: name } = cookieNames(publicUrl);
  return async (request, response, next) => {
    const token = readCookie(request, name);
    const session = token === undefined ? undefined : await sessions.find(token);
    if (!session) throw new Problem(401, "SIGN_IN", "please sign in");
    if (session.guildIds.length === 0)
      throw new Problem(403, "NOT_ADMINISTRATOR", "your Discord account administers no server with this bot");
    response.locals["session"] = session;
    next();
  };
}

export function sessionOf(response: Response): Session {
  return response.locals["session"] as Session;
}

/** The guild in the path, if this session administers it. */
export function guildOf(request: Request, response: Response): string {
  const guildId = String(request.params["guildId"]);
  if (sessionOf(response).guildIds.includes(guildId)) return guildId;
  throw new Problem(403, "NOT_ADMINISTRATOR", "your Discord account does not administer this server");
}
