import type { Request, Response } from "express";

const name = "nickapp_refresh";
const path = "/api/auth";

/** The refresh token: out of reach for scripts, sent to the sign-in routes only, never from another site. */
export function setRefreshCookie(response: Response, token: string, secure: boolean): void {
  response.cookie(name, token, { path, httpOnly: true, sameSite: "strict", secure, maxAge: 30 * 86_400_000 });
}

export function clearRefreshCookie(response: Response): void {
  response.clearCookie(name, { path });
}

export function refreshCookie(request: Request): string | undefined {
  return cookieIn(request, name);
}

export function cookieIn(request: Request, wanted: string): string | undefined {
  for (const part of (request.get("cookie") ?? "").split(";")) {
    const [key, ...value] = part.trim().split("=");
    if (key === wanted) return decodeURIComponent(value.join("="));
  }
  return undefined;
}
