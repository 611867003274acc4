import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf } from "../lib/platform-error.ts";
import type { ComposeModel } from "../stack/compose-model.ts";
import type { Problem } from "../stack/problem.ts";
import type { Stack } from "../stack/stack.ts";
import type { ComposeFileSet } from "./compose-files.ts";
import { bundleError } from "./errors.ts";

/** What the loader is given. */
export type GatherRequest = {
  set: ComposeFileSet;
  cwd: string;
  environmentName: string;
  variables: Readonly<Record<string, string | undefined>>;
  profiles: readonly string[];
  /** As named on the command line. */
  envFiles: readonly string[];
  projectName?: string | undefined;
};

/** Everything that a deploy sends: the texts that were read, and beside them the contents of secrets and configs. */
export type Gathered = {
  bundle: {
    projectDirectory: string;
    composeFiles: string[];
    texts: Record<string, string>;
    variables: Record<string, string>;
    profiles: string[];
    projectName?: string;
    envFiles?: string[];
  };
  /** Secret or config name -> content. Never part of the bundle, never printed. */
  files: Record<string, Uint8Array>;
  stack?: Stack;
  /** Known even when there are errors. */
  projectName?: string;
  model?: ComposeModel;
  problems: readonly Problem[];
};

/** Loads the stack offline and records each text that the loader asked for. */
export async function gatherBundle(request: GatherRequest): Promise<Gathered> {
  const { loadStack } = await import("../stack/load-stack.ts");
  const texts: Record<string, string> = {};
  const readText = (path: string): string | undefined => {
    const known = texts[path];
    if (known !== undefined) return known;
    const text = readIfThere(path);
    if (text !== undefined) texts[path] = text;
    return text;
  };
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.variables)) {
    if (value !== undefined) environment[name] = value;
  }
  const envFiles = request.envFiles.map((file) => resolve(request.cwd, file));
  const named = envFiles.length === 0 ? {} : { envFiles };
  const loaded = loadStack({
    composeFiles: [...request.set.files],
    projectDirectory: request.set.projectDirectory,
    profiles: [...request.profiles],
    environment,
    readText,
    environmentName: request.environmentName,
    ...(request.projectName === undefined ? {} : { projectName: request.projectName }),
    ...named,
  });
  const missing: Problem[] = [];
  const files = loaded.stack === undefined ? {} : readStackFiles(loaded.stack, request, missing);
  return {
    bundle: {
      projectDirectory: request.set.projectDirectory,
      composeFiles: [...request.set.files],
      texts,
      variables: { ...loaded.variablesUsed, ...homeOf(environment, texts) },
      profiles: [...request.profiles],
      ...named,
      ...(request.projectName === undefined ? {} : { projectName: request.projectName }),
    },
    files,
    ...(loaded.stack === undefined ? {} : { stack: loaded.stack }),
    ...(loaded.projectName === undefined ? {} : { projectName: loaded.projectName }),
    ...(loaded.model === undefined ? {} : { model: loaded.model }),
    problems: [...loaded.problems, ...missing],
  };
}

/** `~` in a path means the home of who deploys, also when the release is resolved elsewhere. */
function homeOf(
  environment: Readonly<Record<string, string>>,
  texts: Readonly<Record<string, string>>,
): Record<string, string> {
  const home = environment["HOME"];
  const used = home !== undefined && Object.values(texts).some((text) => text.includes("~/"));
  return used ? { HOME: home } : {};
}

/** Contents of the secrets and configs that come from files or variables here; inline ones are in the Compose text. */
function readStackFiles(
  stack: Stack,
  request: GatherRequest,
  missing: Problem[],
): Record<string, Uint8Array> {
  const contents: Record<string, Uint8Array> = {};
  for (const file of stack.files) {
    const path = `${file.kind}s.${file.name}`;
    if (file.source.from === "file") {
      const bytes = readBytesIfThere(file.source.path);
      if (bytes) contents[file.name] = bytes;
      else missing.push(missingFile(path, `${file.kind} ${file.name}: ${file.source.path} can't be read`));
    } else if (file.source.from === "environment") {
      const value = request.variables[file.source.variable];
      if (value !== undefined) contents[file.name] = Buffer.from(value);
      else
        missing.push(
          missingFile(path, `${file.kind} ${file.name}: the variable ${file.source.variable} is not set`),
        );
    }
  }
  return contents;
}

function missingFile(path: string, message: string): Problem {
  return {
    severity: "error",
    code: "FILE_CONTENT_MISSING",
    message,
    path,
    fix: "create the file or set the variable before you deploy",
  };
}

function readIfThere(path: string): string | undefined {
  return readBytesIfThere(path)?.toString("utf8");
}

function readBytesIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "EISDIR") return undefined;
    throw bundleError("BUNDLE_FILE_UNREADABLE", `${path}: ${messageOf(error)}`, { cause: error });
  }
}
