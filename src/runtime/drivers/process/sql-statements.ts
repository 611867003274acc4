/**
 * Cuts a SQL script into its statements at semicolons that stand outside quotes, dollar quotes and comments, as psql does.
 * Each then runs in a transaction of its own, so that CREATE DATABASE works.
 */
export function splitStatements(script: string): string[] {
  // Order matters: a quote inside a comment is none, and the other way round.
  const token =
    /--[^\n]*|\/\*[\s\S]*?\*\/|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])\$(\w*)\$[\s\S]*?\$\1\$|;/g;
  const statements: string[] = [];
  let from = 0;
  for (const match of script.matchAll(token)) {
    if (match[0] !== ";") continue;
    statements.push(script.slice(from, match.index));
    from = match.index + 1;
  }
  statements.push(script.slice(from));
  return statements
    .map((statement) => statement.trim())
    .filter((statement) => statement.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, "").trim() !== "");
}
