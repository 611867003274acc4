import { createHash } from "node:crypto";

/** Name and values of one backend's cookie: opaque to clients, the same in every worker and after a restart. */
export function stickyCookieName(backend: string): string {
  return `roadstead_${digest(backend).slice(0, 8)}`;
}

export function stickyValue(backend: string, target: string): string {
  return digest(`${backend}\n${target}`).slice(0, 16);
}

/** The value of one cookie in a Cookie header (RFC 6265), or `undefined`. */
export function readCookie(header: string, name: string): string | undefined {
  let from = 0;
  for (;;) {
    const at = header.indexOf(name, from);
    if (at < 0) return undefined;
    const equals = at + name.length;
    const before = at === 0 ? ";" : header[at - 1];
    if (header[equals] === "=" && (before === ";" || before === " ")) {
      const end = header.indexOf(";", equals);
      return header.slice(equals + 1, end < 0 ? undefined : end).trim();
    }
    from = equals;
  }
}

/** A session cookie: ends with the browser, hidden from scripts. */
export function stickyHeader(name: string, value: string, secure: boolean): string {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
