import { createHash, randomBytes } from "node:crypto";

export const newSecret = (): string => randomBytes(24).toString("base64url");

/** An entry may have `*` in the place of the port, because tests listen on free ports. None: every http(s) URI. */
export function redirectAllowed(allowed: readonly string[], given: string): boolean {
  const url = URL.parse(given);
  if (!url || !["http:", "https:"].includes(url.protocol)) return false;
  if (allowed.length === 0) return true;
  return allowed.some((entry) => {
    if (!entry.includes(":*")) return entry === given;
    const withPort = entry.replace(":*", url.port === "" ? "" : `:${url.port}`);
    return withPort === given;
  });
}

/** PKCE, RFC 7636: a flow that began with a challenge must end with its verifier. */
export function verifierFits(challenge: string, verifier: string): boolean {
  if (challenge === "") return true;
  return createHash("sha256").update(verifier).digest("base64url") === challenge;
}

/** Client credentials from the body or from HTTP Basic. */
export function clientCredentials(
  fields: Record<string, string>,
  authorization: string,
): { id: string; secret: string } {
  if (!authorization.toLowerCase().startsWith("basic "))
    return { id: fields["client_id"] ?? "", secret: fields["client_secret"] ?? "" };
  const decoded = Buffer.from(authorization.slice(6), "base64").toString("utf8");
  const [id = "", ...secret] = decoded.split(":");
  return { id: decodeURIComponent(id), secret: decodeURIComponent(secret.join(":")) };
}

export function withQuery(uri: string, query: Record<string, string>): string {
  const url = new URL(uri);
  for (const [key, value] of Object.entries(query)) if (value !== "") url.searchParams.set(key, value);
  return url.href;
}
