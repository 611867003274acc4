import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "../pipeline/repository.ts";

/** A listing beyond this is cut: nothing that steers a pipeline lies so deep or so far. */
const maxFiles = 50_000;
const maxTextBytes = 4 * 1024 * 1024;

/** The files of a checkout, for the rules that look at a repository. Symbolic links are not followed. */
export function checkoutFiles(folder: string): Repository {
  let listed: readonly string[] | undefined;
  return {
    list: () => {
      listed ??= listFiles(folder);
      return listed;
    },
    readText: (path) => {
      try {
        const absolute = join(folder, path);
        return statSync(absolute).size > maxTextBytes ? undefined : readFileSync(absolute, "utf8");
      } catch {
        return undefined;
      }
    },
  };
}

function listFiles(folder: string): string[] {
  const found: string[] = [];
  const open = [""];
  while (found.length < maxFiles) {
    const next = open.shift();
    if (next === undefined) break;
    for (const item of readdirSync(join(folder, next), { withFileTypes: true })) {
      const path = next === "" ? item.name : `${next}/${item.name}`;
      if (item.isDirectory()) open.push(path);
      else if (item.isFile()) found.push(path);
    }
  }
  return found.sort();
}
