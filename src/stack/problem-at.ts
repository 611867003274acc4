import type { Problem } from "./problem.ts";

/** Where in the files a Compose path stands; `undefined` for a path that no file writes out. */
export type Locate = (path: string) => { file?: string; line?: number; column?: number } | undefined;

/**
 * A problem at the position of its path, or of the nearest parent that stands in a file: defaults and values that
 * normalisation rewrote have no line of their own.
 */
export function problemAt(locate: Locate, problem: Omit<Problem, "file" | "line" | "column">): Problem {
  for (let path = problem.path; ; path = parentOf(path)) {
    const found = locate(path);
    if (found !== undefined && (found.file !== undefined || found.line !== undefined)) {
      return {
        ...problem,
        ...(found.file === undefined ? {} : { file: found.file }),
        ...(found.line === undefined ? {} : { line: found.line }),
        ...(found.column === undefined ? {} : { column: found.column }),
      };
    }
    if (path === "") return problem;
  }
}

/** `services.web.ports[0]` -> `services.web.ports` -> `services.web` -> `services` -> ``. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("."), path.lastIndexOf("[")));
}

/** Joins keys and list indexes to a Compose path: `["routes", 0, "host"]` below `base`. */
export function composePath(base: string, keys: readonly PropertyKey[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    return path === "" ? String(key) : `${path}.${String(key)}`;
  }, base);
}
