import type { Cookies } from "@sveltejs/kit";
import type { SignedIn } from "./auth-service";

const accessCookie = "manaToken";
const refreshCookie = "manaRefresh";
const refreshSeconds = 30 * 86_400;

/** Both tokens stay out of reach of scripts; the short-lived one disappears with its token. */
export function keepSession(
  cookies: Cookies,
  { manaToken, refreshToken, expiresIn }: SignedIn,
  url: URL,
): void {
  const shared = { path: "/", httpOnly: true, sameSite: "lax", secure: url.protocol === "https:" } as const;
  cookies.set(accessCookie, manaToken, { ...shared, maxAge: Math.max(1, expiresIn - 5) });
  cookies.set(refreshCookie, refreshToken, { ...shared, maxAge: refreshSeconds });
}

export function readSession(cookies: Cookies): { manaToken?: string; refreshToken?: string } {
  return { manaToken: cookies.get(accessCookie), refreshToken: cookies.get(refreshCookie) };
}

export function dropSession(cookies: Cookies): void {
  cookies.delete(accessCookie, { path: "/" });
  cookies.delete(refreshCookie, { path: "/" });
}
