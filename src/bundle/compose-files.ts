import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { bundleError } from "./errors.ts";

/** Names that Compose looks for, in its order; an override file beside the first found one is added. */
const defaultNames = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const overrideNames = [
  "compose.override.yaml",
  "compose.override.yml",
  "docker-compose.override.yml",
  "docker-compose.override.yaml",
];

export type ComposeFileSet = {
  /** Absolute, in merge order. */
  files: readonly string[];
  /** Absolute folder that relative paths start from: the folder of the first file. */
  projectDirectory: string;
};

/** The files that were named (a folder means its default files), else the ones that Compose would find from `cwd` upwards. */
export function chooseComposeFiles(named: readonly string[], cwd: string): ComposeFileSet {
  const files = named.length > 0 ? named.flatMap((name) => filesAt(name, cwd)) : findUpwards(cwd);
  if (files === undefined)
    throw bundleError("BUNDLE_NO_COMPOSE_FILE", "no Compose file here", {
      hint: `Looked for ${defaultNames.join(", ")}. Name one with -f FILE.`,
    });
  return { files, projectDirectory: dirname(files[0] ?? cwd) };
}

/** Like `chooseComposeFiles` without names, but undefined when there is none. */
export function findComposeFiles(cwd: string): ComposeFileSet | undefined {
  const files = findUpwards(cwd);
  return files === undefined ? undefined : { files, projectDirectory: dirname(files[0] ?? cwd) };
}

function filesAt(name: string, cwd: string): readonly string[] {
  const path = resolve(cwd, name);
  if (!existsSync(path))
    throw bundleError("BUNDLE_NO_COMPOSE_FILE", `${name} does not exist`, {
      hint: "Check the path after -f.",
    });
  return defaultsIn(path) ?? [path];
}

function findUpwards(cwd: string): readonly string[] | undefined {
  let folder = resolve(cwd);
  for (;;) {
    const found = defaultsIn(folder);
    if (found) return found;
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

function defaultsIn(folder: string): readonly string[] | undefined {
  const base = defaultNames.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (base === undefined) return undefined;
  const override = overrideNames.map((name) => join(folder, name)).find((path) => existsSync(path));
  return override === undefined ? [base] : [base, override];
}
