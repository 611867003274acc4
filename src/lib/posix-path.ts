/** The few path functions that pure code needs; separators are slashes, nothing touches a file system. */

export function isAbsolutePath(path: string): boolean {
  return path.startsWith("/");
}

/** Removes `.`, `..` and doubled slashes; an empty path is `.`. */
export function cleanPath(path: string): string {
  const absolute = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept[kept.length - 1] !== "..") kept.pop();
    else if (!absolute) kept.push("..");
  }
  const joined = kept.join("/");
  if (absolute) return `/${joined}`;
  return joined === "" ? "." : joined;
}

export function joinPath(...parts: readonly string[]): string {
  return cleanPath(parts.filter((part) => part !== "").join("/"));
}

/** `path` itself when absolute, else below `base`. */
export function resolvePath(base: string, path: string): string {
  return isAbsolutePath(path) ? cleanPath(path) : joinPath(base, path);
}

export function parentPath(path: string): string {
  const at = path.lastIndexOf("/");
  if (at < 0) return ".";
  return at === 0 ? "/" : path.slice(0, at);
}

export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}
