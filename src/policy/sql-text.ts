const longest = 400;

/** The parts that say what somebody asked for and not how; the order matters: a number in a text is text. */
const parts: readonly RegExp[] = [
  /--[^\n]*/,
  /\/\*[\s\S]*?(?:\*\/|$)/,
  // A name in quotes is no literal and may hold anything: it is found here so that nothing inside is.
  /"(?:[^"]|"")*(?:"|$)/,
  // Of E'…' a backslash escapes; to read every text so hides at most too much.
  /\b[eE]'(?:[^'\\]|''|\\[\s\S])*(?:'|$)/,
  /(?:\b(?:[bBxXnN]|[uU]&))?'(?:[^']|'')*(?:'|$)/,
  /\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/,
  /\$\d+/,
  /(?<![\w.$])[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/,
];
const pattern = new RegExp(parts.map((part) => `(?:${part.source})`).join("|"), "g");

/** A statement without its comments and literals, on one line; equal statements become equal texts (R-184, R-194). */
export function statementText(sql: string): string {
  const plain = sql.replace(pattern, (found) => {
    if (found.startsWith("--") || found.startsWith("/*")) return " ";
    return found.startsWith('"') ? found : "?";
  });
  const text = plain
    .replace(/\s+/g, " ")
    .replace(/\(\s*\?(?:\s*,\s*\?)+\s*\)/g, "(?, …)")
    .replace(/\(\?, …\)(?:\s*,\s*\(\?, …\))+/g, "(?, …), …")
    .trim();
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
