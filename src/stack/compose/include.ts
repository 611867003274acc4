import { joinPath, parentPath, resolvePath } from "../../lib/posix-path.ts";
import { readEnvFiles } from "./environment.ts";
import type { LoadContext, Part } from "./load-context.ts";
import type { FileSet } from "./load-files.ts";
import { loadFiles } from "./load-files.ts";
import type { Tell } from "./report.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { equalValues, isMapping, newMapping, textOf } from "./values.ts";

/** Loads every project that `include` names and copies its resources into `model`, in place. */
export function applyIncludes(context: LoadContext, part: Part, model: Mapping, set: FileSet): void {
  const entries = model["include"];
  delete model["include"];
  const tell = context.report.errorsIn(part.source, part.document);
  (Array.isArray(entries) ? entries : []).forEach((entry, index) => {
    const path = ["include", index];
    const included = describeInclude(context, part, { entry, path, set, tell });
    if (included === undefined) return;
    const imported = loadFiles(context, included, (code, message, _at, fix) =>
      tell(code, `${message}; it is included here`, path, fix),
    );
    if (imported) importResources(imported, model, tell, path);
  });
}

type Request = { entry: Value; path: Path; set: FileSet; tell: Tell };

function describeInclude(context: LoadContext, part: Part, request: Request): FileSet | undefined {
  const { entry, path, set, tell } = request;
  const long = isMapping(entry) ? entry : newMapping();
  const written = listOfTexts(isMapping(entry) ? entry["path"] : entry);
  const remote = written.find((one) => /^(git@|[a-z+]+:\/\/)/.test(one));
  if (remote !== undefined) {
    tell(
      "REMOTE_INCLUDE",
      `\`${remote}\` is remote; only local files can be included`,
      path,
      "copy the file into the project",
    );
    return undefined;
  }
  const files = written.map((one) => resolvePath(set.folder, one));
  const main = files[0];
  if (main === undefined) {
    tell("MISSING_KEY", "`path` is required here", path, "add `path`");
    return undefined;
  }
  const includedBy = [...set.includedBy, part.source.path];
  if (includedBy.includes(main)) {
    tell(
      "INCLUDE_CYCLE",
      `\`include\` goes in a circle: ${[...includedBy.slice(includedBy.indexOf(main)), main].join(" -> ")}`,
      path,
      "remove one of these `include` entries",
    );
    return undefined;
  }
  const projectDirectory = textOf(long["project_directory"]);
  const folder = projectDirectory === "" ? parentPath(main) : resolvePath(set.folder, projectDirectory);
  const envFiles = listOfTexts(long["env_file"]).map((one) => resolvePath(set.folder, one));
  const automatic = joinPath(folder, ".env");
  const wanted =
    envFiles.length > 0 ? envFiles : context.readText(automatic) === undefined ? [] : [automatic];
  const variables = readEnvFiles(context, set.variables, wanted, (code, message, fix) =>
    tell(code, message, [...path, "env_file"], fix),
  );
  return { files, folder, variables, includedBy };
}

function listOfTexts(value: Value | undefined): string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(textOf);
}

/** The same resource twice is fine when both are equal. */
function importResources(imported: Mapping, model: Mapping, tell: Tell, path: Path): void {
  for (const section of ["services", "volumes", "networks", "secrets", "configs", "models"]) {
    const from = imported[section];
    if (!isMapping(from)) continue;
    const own = model[section];
    const into = isMapping(own) ? own : newMapping();
    model[section] = into;
    for (const [name, resource] of Object.entries(from)) {
      if (into[name] !== undefined && !equalValues(into[name], resource)) {
        tell(
          "INCLUDE_CONFLICT",
          `\`${section}.${name}\` is defined here and in an included file, differently`,
          into[name] === null ? path : [section, name],
          "rename one of them",
        );
      } else {
        into[name] = resource;
      }
    }
  }
}
