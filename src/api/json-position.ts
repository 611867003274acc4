/**
 * Where a text stops being JSON (RFC 8259): V8's own error quotes the text, which may hold a secret, and often gives no
 * position. Only called for a text that JSON.parse refused.
 */
export function positionOfJsonError(text: string): number {
  const open: string[] = [];
  let expected: Expected = "value";
  let at = 0;
  for (;;) {
    const start = skipSpace(text, at);
    const token = tokenAt(text, start);
    if (token === undefined) return start;
    const next = follow(expected, token, open);
    if (next === undefined) return start;
    expected = next;
    at = start + token.length;
  }
}

type Expected = "value" | "value or ]" | "key" | "key or }" | ":" | "more";

const space = /[ \t\r\n]*/y;
const string = /"[^"\\\p{Cc}]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\p{Cc}]*)*"/uy;
const other = /[{}[\],:]|true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function skipSpace(text: string, at: number): number {
  space.lastIndex = at;
  space.test(text);
  return space.lastIndex;
}

function tokenAt(text: string, at: number): string | undefined {
  for (const pattern of [string, other]) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What may come after the token, or `undefined` when the token may not stand here. */
function follow(expected: Expected, token: string, open: string[]): Expected | undefined {
  const kind = token[0] ?? "";
  if (expected === ":") return kind === ":" ? "value" : undefined;
  if (expected === "more") {
    const inside = open.at(-1);
    if (kind === "," && inside !== undefined) return inside === "{" ? "key" : "value";
    return closes(kind, open) ? "more" : undefined;
  }
  if (expected === "value or ]" && closes(kind, open)) return "more";
  if (expected === "key or }" && closes(kind, open)) return "more";
  if (expected === "key" || expected === "key or }") return kind === '"' ? ":" : undefined;
  if (kind === "{" || kind === "[") {
    open.push(kind);
    return kind === "{" ? "key or }" : "value or ]";
  }
  return "}],:".includes(kind) ? undefined : "more";
}

function closes(kind: string, open: string[]): boolean {
  const matches = (kind === "}" && open.at(-1) === "{") || (kind === "]" && open.at(-1) === "[");
  if (matches) open.pop();
  return matches;
}
