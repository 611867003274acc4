/** Which paths of a build context (relative, with slashes) stay out of the image. */
export type IgnoreRules = { ignores: (path: string) => boolean; hasExceptions: boolean };

/**
 * The rules of a .dockerignore file (https://docs.docker.com/build/concepts/context/#dockerignore-files): Go's
 * filepath.Match plus `**`, `!` for exceptions, the last matching line decides, a matched folder takes its content along.
 * `.git` always stays out: it changes with every commit and would give each one another image.
 */
export function parseDockerignore(text: string): IgnoreRules {
  const rules = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const exception = line.startsWith("!");
      const pattern = (exception ? line.slice(1) : line)
        .trim()
        .replace(/^\/+|\/+$/g, "")
        .replace(/^\.\//, "");
      return { exception, expression: toExpression(pattern) };
    });
  const ignores = (path: string) => {
    if (path === ".git" || path.startsWith(".git/")) return true;
    let ignored = false;
    for (const { exception, expression } of rules)
      if (withParents(path).some((candidate) => expression.test(candidate))) ignored = !exception;
    return ignored;
  };
  return { ignores, hasExceptions: rules.some(({ exception }) => exception) };
}

function withParents(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_part, index) => parts.slice(0, index + 1).join("/"));
}

function toExpression(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at);
    if (pattern.startsWith("**/", at)) {
      source += "(?:.*/)?";
      at += 2;
    } else if (pattern.startsWith("**", at)) {
      source += ".*";
      at += 1;
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const end = pattern.indexOf("]", at + 1);
      source += end === -1 ? "\\[" : pattern.slice(at, end + 1);
      if (end !== -1) at = end;
    } else {
      if (character === "\\") at += 1;
      source += pattern.charAt(at).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    }
  }
  return new RegExp(`^${source}$`);
}
