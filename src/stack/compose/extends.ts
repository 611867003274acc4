import { parentPath, resolvePath } from "../../lib/posix-path.ts";
import { canonicalise, mappingOf } from "./canonical.ts";
import { interpolateModel } from "./interpolate-model.ts";
import type { LoadContext, Part } from "./load-context.ts";
import { clearPaths } from "./load-context.ts";
import type { FileSet } from "./load-files.ts";
import { mergeService } from "./merge.ts";
import { resolvePaths } from "./paths.ts";
import type { Tell } from "./report.ts";
import { validateService } from "./schema.ts";
import { suggest } from "./suggest.ts";
import { enforceUnique } from "./unique.ts";
import type { Mapping, Path } from "./values.ts";
import { cloneValue, isMapping, newMapping, textOf } from "./values.ts";

/** Where services are taken from: the file being loaded, or one that `extends.file` names. */
type Library = { part: Part; services: Mapping; folder: string; foreign: boolean };

type Work = { context: LoadContext; set: FileSet; libraries: Map<string, Library | undefined> };

/** Replaces every service that extends another by the merged service, in place; tells whether there was one. */
export function applyExtends(context: LoadContext, part: Part, model: Mapping, set: FileSet): boolean {
  const services = model["services"];
  if (!isMapping(services)) return false;
  const extending = Object.values(services).some((service) => isMapping(service) && "extends" in service);
  const work: Work = { context, set, libraries: new Map() };
  const library: Library = { part, services, folder: set.folder, foreign: false };
  for (const name of Object.keys(services)) resolveService(work, library, name, []);
  return extending;
}

function resolveService(
  work: Work,
  library: Library,
  name: string,
  chain: readonly string[],
): Mapping | undefined {
  const service = library.services[name];
  if (!isMapping(service)) return undefined;
  const written = service["extends"];
  if (written === undefined || written === null) return service;
  const tell = work.context.report.errorsIn(library.part.source, library.part.document);
  const path = ["services", name, "extends"];
  const link = `${name} in ${library.part.source.path}`;
  if (chain.includes(link)) {
    delete service["extends"];
    tell(
      "EXTENDS_CYCLE",
      `\`extends\` goes in a circle: ${[...chain.slice(chain.indexOf(link)), link].join(" -> ")}`,
      path,
      "remove one of these `extends`",
    );
    return service;
  }
  const target = isMapping(written) ? written : mappingOf({ service: written });
  const file = target["file"] === undefined ? undefined : resolvePath(library.folder, textOf(target["file"]));
  const origin = file === undefined ? library : openLibrary(work, file, tell, path);
  if (origin === undefined) return service;
  const merged = extendFrom(work, { library, origin, name, ref: textOf(target["service"]), tell }, [
    ...chain,
    link,
  ]);
  delete merged["extends"];
  library.services[name] = merged;
  return merged;
}

type Extension = { library: Library; origin: Library; name: string; ref: string; tell: Tell };

function extendFrom(work: Work, extension: Extension, chain: readonly string[]): Mapping {
  const { library, origin, name, ref, tell } = extension;
  const service = library.services[name];
  const own = isMapping(service) ? service : newMapping();
  if (!(ref in origin.services)) {
    const near = suggest(ref, Object.keys(origin.services));
    const fix = near ? `did you mean \`${near}\`?` : undefined;
    tell(
      "EXTENDS_SERVICE_NOT_FOUND",
      `service \`${name}\` extends \`${ref}\`, which is not in ${origin.part.source.path}`,
      ["services", name, "extends"],
      fix,
    );
    return own;
  }
  const found = origin.foreign ? prepare(work, origin, ref, chain) : resolveService(work, origin, ref, chain);
  if (found === undefined) return own;
  const base = cloneValue(found);
  if (!isMapping(base)) return own;
  work.context.locator.addLayer(
    origin.part.source,
    origin.part.document,
    ["services", name],
    ["services", ref],
  );
  clearService(base, name, [
    ...library.part.document.cleared,
    ...(origin.foreign ? origin.part.document.cleared : []),
  ]);
  return mergeService(base, own, name, tell);
}

/** A service of another file: checked, in its long form, with paths that start at that file's folder. */
function prepare(work: Work, origin: Library, ref: string, chain: readonly string[]): Mapping | undefined {
  const { report, home } = work.context;
  const before = work.context.errorCount();
  const tell = report.errorsIn(origin.part.source, origin.part.document);
  const raw = origin.services[ref];
  if (!isMapping(raw)) return undefined;
  validateService(raw, ["services", ref], tell);
  if (work.context.errorCount() > before) return undefined;
  const resolved = resolveService(work, origin, ref, chain);
  if (resolved === undefined || work.context.errorCount() > before) return undefined;
  const model = mappingOf({ services: mappingOf({ [ref]: cloneValue(resolved) }) });
  enforceUnique(model);
  canonicalise(model, tell);
  enforceUnique(model);
  resolvePaths(model, origin.folder, home);
  const services = model["services"];
  const service = isMapping(services) ? services[ref] : undefined;
  return isMapping(service) ? service : undefined;
}

function openLibrary(work: Work, file: string, tell: Tell, path: Path): Library | undefined {
  if (work.libraries.has(file)) return work.libraries.get(file);
  const library = readLibrary(work, file, tell, path);
  work.libraries.set(file, library);
  return library;
}

function readLibrary(work: Work, file: string, tell: Tell, path: Path): Library | undefined {
  const { context, set } = work;
  const source = context.source(file);
  if (source === undefined) {
    tell(
      "FILE_NOT_FOUND",
      `${file}, which is extended here, does not exist`,
      [...path, "file"],
      "check the path; it starts at the folder of this project",
    );
    return undefined;
  }
  const services = newMapping();
  let library: Library | undefined;
  for (const document of source.documents) {
    const part = { source, document };
    library = { part, services, folder: parentPath(file), foreign: true };
    if (!isMapping(document.value)) continue;
    const error = context.report.errorsIn(source, document);
    const warn = context.report.warningsIn(source, document);
    const model = interpolateModel(document.value, { lookup: set.variables.get, error, warn });
    const found = model["services"];
    if (isMapping(found)) Object.assign(services, found);
  }
  return library;
}

function clearService(base: Mapping, name: string, cleared: readonly Path[]): void {
  const inside = cleared.filter((path) => path[0] === "services" && path[1] === name && path.length > 2);
  clearPaths(
    base,
    inside.map((path) => path.slice(2)),
  );
}
