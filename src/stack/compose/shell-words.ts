/**
 * Splits a command written as one string the way the reference implementation does: quotes and backslashes as in a shell,
 * no variables, and everything from an unquoted `;`, `&`, `|`, `<` or `>` on is dropped.
 */
export function splitShellWords(text: string): string[] | { problem: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if (quote !== "'" && character === "\\" && at + 1 < text.length) {
      at += 1;
      const next = text[at] ?? "";
      word = (word ?? "") + (next === "\n" ? "" : next);
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (";&|<>".includes(character)) {
      // A digit before a redirection is its file descriptor, not an argument.
      if (character === ">" && word !== undefined && /^\d/.test(word)) word = undefined;
      break;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== "") return { problem: `the quote ${quote} is never closed` };
  if (word !== undefined) words.push(word);
  return words;
}
