/** One statement of an SQL file, without its comments and with its texts emptied. */
export type SqlStatement = {
  sql: string;
  /** Of its first word, from 1. */
  line: number;
  /** The comments in and right before it. */
  comments: string;
};

/** What is no code: comments, texts, and bodies in dollar quotes. */
const passive =
  /--[^\n]*|#(?=\s)[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|(\$\w*\$)[\s\S]*?(?:\1|$)/g;

/** Splits at the semicolons that end statements. Total: what is not closed ends with the file. */
export function sqlStatements(text: string): SqlStatement[] {
  const comments: { at: number; text: string }[] = [];
  const code = text.replace(passive, (found, _tag, at: number) => {
    if (/^(--|#|\/\*)/.test(found)) comments.push({ at, text: found });
    // The same length and lines, so that places stay what they are.
    return found.replace(/[^\n]/g, " ");
  });
  const statements: SqlStatement[] = [];
  let from = 0;
  for (const piece of code.split(";")) {
    const to = from + piece.length;
    const start = from + (piece.length - piece.trimStart().length);
    if (piece.trim() !== "") {
      const own = comments.filter(({ at }) => at >= from && at < to);
      statements.push({
        sql: piece.trim(),
        line: text.slice(0, start).split("\n").length,
        comments: own.map((comment) => comment.text).join("\n"),
      });
    }
    from = to + 1;
  }
  return statements;
}
