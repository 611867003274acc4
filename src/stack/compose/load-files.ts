import { canonicalise, setDefaults } from "./canonical.ts";
import { checkResources } from "./check-resources.ts";
import { applyExtends } from "./extends.ts";
import { applyIncludes } from "./include.ts";
import { interpolateModel } from "./interpolate-model.ts";
import type { LoadContext, Part, Variables } from "./load-context.ts";
import { clearPaths } from "./load-context.ts";
import { tellLostSettings } from "./lost-settings.ts";
import { mergeModels } from "./merge.ts";
import { resolvePaths } from "./paths.ts";
import type { Tell } from "./report.ts";
import { validateModel } from "./schema.ts";
import { enforceUnique, isUniqueList } from "./unique.ts";
import type { Mapping } from "./values.ts";
import { isMapping, kindOf, newMapping, textOf } from "./values.ts";
import type { YamlSource } from "./yaml-source.ts";

/** A set of files that are merged in order. */
export type FileSet = {
  files: readonly string[];
  /** Relative paths in the files start here. */
  folder: string;
  variables: Variables;
  /** Files whose `include` led here. */
  includedBy: readonly string[];
};

/** Loads, merges and completes a set of files; `undefined` when a problem was told that leaves no model. */
export function loadFiles(context: LoadContext, set: FileSet, tellMissing: Tell): Mapping | undefined {
  const before = context.errorCount();
  let model = newMapping();
  for (const file of set.files) {
    const source = context.source(file);
    if (source === undefined) {
      tellMissing("FILE_NOT_FOUND", `the Compose file ${file} does not exist`, [], "check the path");
      continue;
    }
    for (const document of source.documents) model = addDocument(context, { source, document }, model, set);
    if (source.documents.length === 0) tellEmpty(context, source);
  }
  if (context.errorCount() > before) return undefined;
  const tell = context.report.errorsOf((path) => context.locator.locate(path));
  setDefaults(model);
  checkResources(model, tell);
  resolvePaths(model, set.folder, context.home);
  passVariables(model, set.variables);
  return context.errorCount() > before ? undefined : model;
}

function tellEmpty(context: LoadContext, source: YamlSource): void {
  if (source.problems.length > 0) return;
  context.report.add({
    severity: "error",
    code: "EMPTY_FILE",
    message: "this Compose file is empty",
    path: "",
    file: source.path,
    line: 1,
    column: 1,
    fix: "add a `services:` mapping",
  });
}

/** Lays one document on the model so far and returns the new model. */
function addDocument(context: LoadContext, part: Part, model: Mapping, set: FileSet): Mapping {
  const before = context.errorCount();
  const error = context.report.errorsIn(part.source, part.document);
  const warn = context.report.warningsIn(part.source, part.document);
  const raw = part.document.value;
  if (!isMapping(raw)) {
    const what = raw === null ? "empty" : kindOf(raw);
    error(
      raw === null ? "EMPTY_FILE" : "INVALID_TYPE",
      `a Compose file is a mapping, this one is ${what}`,
      [],
      "add a `services:` mapping",
    );
    return model;
  }
  const own = interpolateModel(raw, { lookup: set.variables.get, error, warn });
  validateModel(own, exceptUniqueLists(error));
  if (context.errorCount() > before) return model;
  if (own["version"] !== undefined) {
    warn("VERSION_OBSOLETE", "the key `version` is obsolete and has no effect", ["version"], "remove it");
    delete own["version"];
  }
  const extended = applyExtends(context, part, own, set);
  applyIncludes(context, part, own, set);
  context.locator.addLayer(part.source, part.document);
  if (context.errorCount() > before) return model;
  clearPaths(model, part.document.cleared);
  const combined = extended || Object.keys(model).length > 0;
  tellLostSettings(model, own, warn);
  const merged = mergeModels(model, own, error);
  enforceUnique(merged);
  if (combined)
    validateModel(
      merged,
      context.report.errorsOf((path) => context.locator.locate(path)),
    );
  if (context.errorCount() > before) return merged;
  canonicalise(merged, error);
  enforceUnique(merged);
  return merged;
}

/** Doubled entries of lists with a unique key are no fault: they are reduced on merging. */
function exceptUniqueLists(tell: Tell): Tell {
  return (code, message, path, fix) => {
    if (code !== "DUPLICATE_ITEM" || !isUniqueList(path.slice(0, -1))) tell(code, message, path, fix);
  };
}

/** Bare names in an `environment` list take their value here, where the included project's variables are known. */
function passVariables(model: Mapping, variables: Variables): void {
  const services = model["services"];
  for (const service of isMapping(services) ? Object.values(services) : []) {
    const list = isMapping(service) ? service["environment"] : undefined;
    if (!isMapping(service) || !Array.isArray(list)) continue;
    service["environment"] = list.map((entry) => {
      const name = textOf(entry);
      const value = name.includes("=") ? undefined : variables.get(name);
      return value === undefined ? name : `${name}=${value}`;
    });
  }
}
