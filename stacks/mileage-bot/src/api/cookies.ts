import type { CookieOptions, Request } from "express";

export function readCookie(request: Request, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/** `__Host-` binds a cookie to this very host; browsers accept it over HTTPS only. */
export function cookieNames(publicUrl: string): { session: string; signIn: string } {
  const prefix = isSecure(publicUrl) ? "__Host-" : "";
  return { session: `${prefix}mileage-session`, signIn: `${prefix}mileage-sign-in` };
}

export function cookieOptions(publicUrl: string): CookieOptions {
  return { httpOnly: true, secure: isSecure(publicUrl), sameSite: "lax", path: "/" };
}

function isSecure(publicUrl: string): boolean {
  return publicUrl.startsWith("https:");
}
