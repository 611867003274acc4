import { absoluteMs } from "../../access/session-book.ts";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const name = "roadstead_session";

/** The session's id that a browser sent along. */
export function sessionIdOf(headers: Headers): string | undefined {
  return cookieOf(headers, name, /^[A-Za-z0-9_-]{20,200}$/);
}

/** One cookie's value where it has the given form. */
export function cookieOf(headers: Headers, wanted: string, form: RegExp): string | undefined {
  for (const part of String(headers["cookie"] ?? "").split(";")) {
    const [key, value = ""] = part.trim().split("=");
    if (key === wanted && form.test(value)) return value;
  }
  return undefined;
}

/** No script reads it, no other site's page sends it; over TLS it goes over TLS only. */
export function sessionCookie(id: string, secure: boolean): string {
  return cookie(id, Math.floor(absoluteMs / 1000), secure);
}

export function endedSessionCookie(secure: boolean): string {
  return cookie("", 0, secure);
}

function cookie(value: string, maxAge: number, secure: boolean): string {
  const attributes = [`${name}=${value}`, "Path=/", `Max-Age=${maxAge}`, "HttpOnly", "SameSite=Strict"];
  return [...attributes, ...(secure ? ["Secure"] : [])].join("; ");
}
