type Token = { kind: "one" | "segment" | "any" | "folders" } | { kind: "text"; character: string };

const maxLength = 4096;

/**
 * Whether a branch, a tag or a path fits a pattern: `*` stands for any text without a slash, `**` for any text, and
 * together with a slash after it for any folders or none, `?` for one character. Takes time in proportion to both
 * lengths only: patterns come from repositories, which may be hostile.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  if (text.length > maxLength || pattern.length > maxLength) return false;
  const tokens = tokensOf(pattern);
  // after[i]: the rest of the tokens fits the text from i on.
  let after = Array.from({ length: text.length + 1 }, (_, i) => i === text.length);
  for (const token of tokens.toReversed()) after = before(token, text, after);
  return after[0] === true;
}

/** The last pattern that fits decides, and one that starts with `!` says no; no pattern that fits is a no. */
export function matchesPatterns(text: string, patterns: readonly string[]): boolean {
  let matches = false;
  for (const pattern of patterns) {
    const negative = pattern.startsWith("!");
    if (matches === negative && matchesPattern(text, negative ? pattern.slice(1) : pattern))
      matches = !negative;
  }
  return matches;
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at);
    const opensSegment = at === 0 || pattern.charAt(at - 1) === "/";
    if (character === "*" && pattern.charAt(at + 1) === "*") {
      const folders = opensSegment && pattern.charAt(at + 2) === "/";
      tokens.push({ kind: folders ? "folders" : "any" });
      at += folders ? 2 : 1;
    } else if (character === "*") tokens.push({ kind: "segment" });
    else if (character === "?") tokens.push({ kind: "one" });
    else tokens.push({ kind: "text", character });
  }
  return tokens;
}

function before(token: Token, text: string, after: readonly boolean[]): boolean[] {
  const fits = new Array<boolean>(text.length + 1).fill(false);
  let behindSlash = false;
  for (let i = text.length; i >= 0; i -= 1) {
    const character = text.charAt(i);
    const inside = i < text.length;
    if (token.kind === "text") fits[i] = inside && character === token.character && after[i + 1] === true;
    else if (token.kind === "one") fits[i] = inside && character !== "/" && after[i + 1] === true;
    else if (token.kind === "folders") {
      if (character === "/" && after[i + 1] === true) behindSlash = true;
      fits[i] = after[i] === true || behindSlash;
    } else {
      const longer = inside && (token.kind === "any" || character !== "/") && fits[i + 1] === true;
      fits[i] = after[i] === true || longer;
    }
  }
  return fits;
}
