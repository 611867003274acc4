/** One `WWW-Authenticate` header: how the registry wants to be asked. */
export type Challenge = { scheme: "basic" | "bearer"; parameters: Readonly<Record<string, string>> };

/** The strongest challenge that is understood: a token server before a password (RFC 9110, section 11.6.1). */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null || header.length > 4096) return undefined;
  const found = ["bearer", "basic"].map((scheme) => {
    const match = new RegExp(`(?:^|,)\\s*${scheme}(?:\\s+|$)(.*)`, "i").exec(header);
    return match
      ? { scheme: scheme as Challenge["scheme"], parameters: parameters(match[1] ?? "") }
      : undefined;
  });
  return found.find((challenge) => challenge !== undefined);
}

function parameters(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = "", quoted, bare] of text.matchAll(
    /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g,
  ))
    found[name.toLowerCase()] ??= (quoted ?? bare ?? "").replace(/\\(.)/g, "$1");
  return found;
}
