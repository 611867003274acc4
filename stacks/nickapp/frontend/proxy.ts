import { type NextRequest, NextResponse } from "next/server";

/** Where wallets talk to from the browser: the chain's RPC and WalletConnect's relay. */
const browserHosts =
  process.env.BROWSER_HOSTS ??
  "https://eth-mainnet.g.alchemy.com https://relay.walletconnect.com wss://relay.walletconnect.com";

/** A Content-Security-Policy with a fresh nonce for every page; scripts without it do not run. */
export function proxy(request: NextRequest): NextResponse {
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' blob: data:",
    `connect-src 'self' ${browserHosts}`,
    "frame-ancestors 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "object-src 'none'",
  ].join("; ");
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  headers.set("x-nonce", nonce);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  response.headers.set("referrer-policy", "strict-origin-when-cross-origin");
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("x-app-version", process.env.APP_VERSION ?? "0");
  return response;
}

export const config = { matcher: ["/((?!_next/static|robots.txt|icon.svg).*)"] };
