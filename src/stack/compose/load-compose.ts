import { baseName, joinPath } from "../../lib/posix-path.ts";
import type { ComposeModel } from "../compose-model.ts";
import type { Problem } from "../problem.ts";
import { dropDisabled, dropUnused, fillFromFiles, shapeModel } from "./build-model.ts";
import { checkModel } from "./check-model.ts";
import { readEnvFiles } from "./environment.ts";
import { substitute } from "./interpolate.ts";
import type { Variables } from "./load-context.ts";
import { LoadContext } from "./load-context.ts";
import { loadFiles } from "./load-files.ts";
import { parsePath } from "./locate.ts";
import { normalise } from "./normalise.ts";
import { normaliseProjectName } from "./project-name.ts";
import { isMapping } from "./values.ts";

export type LoadInput = {
  /** Absolute paths, in `-f` order. */
  composeFiles: readonly string[];
  /** Absolute; relative paths in the files start here. */
  projectDirectory: string;
  /** Else COMPOSE_PROJECT_NAME, else `name:` of the last file that has one, else the folder's name. */
  projectName?: string;
  /** Active profiles. When there are none, COMPOSE_PROFILES counts, as in the reference implementation. */
  profiles: readonly string[];
  /** The shell's variables. */
  environment: Readonly<Record<string, string>>;
  /** @default the project directory's `.env`, when there is one */
  envFiles?: readonly string[];
  /** `undefined`: the file does not exist. */
  readText: (absolutePath: string) => string | undefined;
};

export type LoadedCompose = {
  /** Absent when there are errors. */
  model?: ComposeModel;
  problems: readonly Problem[];
  /** Where e.g. `services.web.ports[0]` was written; falls back to the nearest parent. */
  locate: (composePath: string) => { file: string; line: number; column: number } | undefined;
  /** Variables that interpolation looked up and that came from `environment`, not from a `.env` file. */
  variablesUsed: Readonly<Record<string, string>>;
  /** Known even when the rest is not. */
  projectName: string;
};

/**
 * Loads a Compose project: parse, interpolate, validate, `extends`, `include`, merge, long forms, defaults, profiles,
 * `env_file`. The model is what `docker compose config --format json` prints; all problems are told at once.
 */
export function loadCompose(input: LoadInput): LoadedCompose {
  const context = new LoadContext(input.readText, input.environment["HOME"]);
  const used = new Map<string, string>();
  const variables = projectVariables(context, input, used);
  const name = projectName(context, input, variables);
  const withName = withVariable(variables, "COMPOSE_PROJECT_NAME", name);
  const model = loadModel(context, input, withName, name);
  return {
    ...(model === undefined ? {} : { model }),
    problems: context.report.problems,
    locate: (path) => context.locator.locate(parsePath(path)),
    variablesUsed: Object.fromEntries(used),
    projectName: name,
  };
}

function projectVariables(context: LoadContext, input: LoadInput, used: Map<string, string>): Variables {
  const shell = new Map(Object.entries(input.environment));
  const get = (name: string) => {
    const value = shell.get(name);
    if (value !== undefined) used.set(name, value);
    return value;
  };
  const automatic = joinPath(input.projectDirectory, ".env");
  const files = input.envFiles ?? (input.readText(automatic) === undefined ? [] : [automatic]);
  return readEnvFiles(context, { all: shell, get }, files, (code, message, fix) => {
    context.report.add({ severity: "error", code, message, path: "", ...(fix === undefined ? {} : { fix }) });
  });
}

function withVariable(variables: Variables, name: string, value: string): Variables {
  return {
    all: new Map([...variables.all, [name, value]]),
    get: (other) => (other === name ? value : variables.get(other)),
  };
}

function projectName(context: LoadContext, input: LoadInput, variables: Variables): string {
  const explicit = input.projectName ?? variables.all.get("COMPOSE_PROJECT_NAME") ?? "";
  if (explicit !== "") {
    if (normaliseProjectName(explicit) !== explicit) {
      const fix = `use ${normaliseProjectName(explicit) || "a name such as shop"}`;
      context.report.add({
        severity: "error",
        code: "INVALID_PROJECT_NAME",
        message: `\`${explicit}\` is not a project name; expected lower-case letters, digits, \`-\` and \`_\`, starting with a letter or digit`,
        path: "name",
        fix,
      });
    }
    return explicit;
  }
  let written = "";
  for (const file of input.composeFiles) {
    for (const document of context.source(file)?.documents ?? []) {
      const own = isMapping(document.value) ? document.value["name"] : undefined;
      if (typeof own === "string" && own !== "") written = own;
    }
  }
  // Faults of this text are told when its file is interpolated.
  const named = normaliseProjectName(substitute(written, (name) => variables.all.get(name), ignore));
  if (named !== "") return named;
  const fromFolder = normaliseProjectName(baseName(input.projectDirectory));
  if (fromFolder === "" || written !== "") {
    context.report.add({
      severity: "error",
      code: "INVALID_PROJECT_NAME",
      message: "the project has no name, and its folder's name has no letters or digits to make one of",
      path: "name",
      fix: "add `name:` to the Compose file",
    });
  }
  return fromFolder;
}

function ignore(): void {
  // Nothing to tell here.
}

function loadModel(
  context: LoadContext,
  input: LoadInput,
  variables: Variables,
  name: string,
): ComposeModel | undefined {
  const before = context.errorCount();
  const set = { files: input.composeFiles, folder: input.projectDirectory, variables, includedBy: [] };
  const merged = loadFiles(context, set, (code, message, _path, fix) => {
    context.report.add({ severity: "error", code, message, path: "", ...(fix === undefined ? {} : { fix }) });
  });
  if (merged === undefined) return undefined;
  normalise(merged, name, (variable) => variables.get(variable));
  const tell = context.report.errorsOf((path) => context.locator.locate(path));
  const model = shapeModel(merged, name, tell);
  if (context.errorCount() > before) return undefined;
  const disabledServices = dropDisabled(model, activeProfiles(input, variables));
  checkModel(model, { disabledServices }, tell);
  fillFromFiles(model, merged, { context, variables, tell });
  dropUnused(model);
  return context.errorCount() > 0 ? undefined : model;
}

function activeProfiles(input: LoadInput, variables: Variables): readonly string[] {
  if (input.profiles.length > 0) return input.profiles;
  const listed = variables.all.get("COMPOSE_PROFILES") ?? "";
  return listed
    .split(",")
    .map((profile) => profile.trim())
    .filter((profile) => profile !== "");
}
