import { baseName, cleanPath, resolvePath } from "../lib/posix-path.ts";
import type { Service, Stack } from "../stack/stack.ts";
import { type AffectedPackages, isDocumentation, ownerOf } from "./affected.ts";
import { imageSources } from "./image-sources.ts";
import { matchesPattern } from "./match-pattern.ts";
import type { Package } from "./read-packages.ts";
import { isInside, type Repository } from "./repository.ts";

export type ServiceChange = {
  stack: Stack;
  /** Absolute; the Compose model's paths are, too. */
  repositoryFolder: string;
  repository: Repository;
  packages: readonly Package[];
  affected: AffectedPackages;
  changedPaths: readonly string[];
};

/** The services whose image a change touches, by name, and why. A service with an image of its own never is. */
export function affectedServices(change: ServiceChange): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const service of change.stack.services) {
    const reason = reasonFor(service, change);
    if (reason !== undefined) found.set(service.name, reason);
  }
  return found;
}

/** What an image is made of, all relative to the repository. */
type Inputs = { files: readonly string[]; packages: readonly Package[]; loose: (path: string) => boolean };

function reasonFor(service: Service, change: ServiceChange): string | undefined {
  const inputs = inputsOf(service, change);
  if (inputs === undefined) return undefined;
  const affected = inputs.packages.find(({ folder }) => change.affected.has(folder));
  if (affected !== undefined) return change.affected.get(affected.folder);
  for (const path of change.changedPaths.map(cleanPath)) {
    if (inputs.files.includes(path)) return `${path} changed`;
    if (!isDocumentation(path, change.packages) && inputs.loose(path)) return `${path} changed`;
  }
  return undefined;
}

function inputsOf(service: Service, change: ServiceChange): Inputs | undefined {
  const { build } = service.compose;
  const site = relativeTo(service.site?.root, change.repositoryFolder);
  const context = relativeTo(build?.context, change.repositoryFolder);
  if (context === undefined || build === undefined) {
    const home = site === undefined ? undefined : ownerOf(site, change.packages);
    if (site === undefined) return undefined;
    return { files: [], packages: home ? [home] : [], loose: (path) => isInside(path, site) };
  }
  const dockerfile = relativeTo(
    resolvePath(build.context, build.dockerfile ?? "Dockerfile"),
    change.repositoryFolder,
  );
  const text =
    build.dockerfile_inline ??
    (dockerfile === undefined ? undefined : change.repository.readText(dockerfile));
  const written = text === undefined ? ["."] : imageSources(text, build.target);
  const sources = written.map((source) => cleanPath(context === "." ? source : `${context}/${source}`));
  const hints = [build.target, ...Object.values(build.args ?? {})];
  const packages = packagesIn({ context, dockerfile, sources, hints }, change.packages);
  const additional = Object.values(build.additional_contexts ?? {}).flatMap(
    (other) => relativeTo(other, change.repositoryFolder) ?? [],
  );
  return {
    files: [dockerfile, cleanPath(`${context}/.dockerignore`)].filter((path) => path !== undefined),
    packages,
    loose: (path) =>
      additional.some((folder) => isInside(path, folder)) ||
      (isLoose(path, context, change.packages) && sources.some((source) => covers(source, path))),
  };
}

/** No package of the context speaks for it: it lies in none, or in the root of a workspace. */
function isLoose(path: string, context: string, packages: readonly Package[]): boolean {
  const owner = ownerOf(path, packages);
  return owner === undefined || owner.isWorkspaceRoot || !isInside(owner.folder, context);
}

type Build = {
  context: string;
  dockerfile: string | undefined;
  sources: readonly string[];
  hints: readonly (string | null | undefined)[];
};

/**
 * The packages in an image. Copied by name: those. The whole context: the package that is the context; in the context of
 * a whole workspace the one whose folder has the Dockerfile, or that a build argument or the target names; else all.
 */
function packagesIn(
  { context, dockerfile, sources, hints }: Build,
  packages: readonly Package[],
): readonly Package[] {
  const home = packages.find(({ folder }) => folder === context);
  const whole = sources.includes(context);
  const named = packages.filter(
    ({ folder }) =>
      folder !== "." && folder !== context && sources.some((s) => s !== context && overlaps(s, folder)),
  );
  if (home !== undefined && !home.isWorkspaceRoot) return [home, ...named];
  if (!whole) return named;
  const beside = dockerfile === undefined ? undefined : ownerOf(dockerfile, packages);
  if (beside !== undefined && beside !== home && isInside(beside.folder, context)) return [beside, ...named];
  const within = packages.filter(({ folder }) => isInside(folder, context) && folder !== context);
  const hinted = within.filter((one) =>
    hints.some((hint) => typeof hint === "string" && isCalled(one, hint)),
  );
  return hinted.length > 0 ? [...hinted, ...named] : within;
}

function isCalled({ name, folder }: Package, hint: string): boolean {
  return [name, name.replace(/^@[^/]*\//, ""), folder, baseName(folder)].includes(hint);
}

/** A copied folder has the package, or a part of it. */
function overlaps(source: string, folder: string): boolean {
  return covers(source, folder) || isInside(source, folder);
}

function covers(source: string, path: string): boolean {
  return isInside(path, source) || matchesPattern(path, source) || matchesPattern(path, `${source}/**`);
}

/** `undefined` for what lies elsewhere, a URL for example. */
function relativeTo(path: string | undefined, folder: string): string | undefined {
  if (path === undefined || !path.startsWith("/")) return undefined;
  const clean = cleanPath(path);
  const base = cleanPath(folder);
  if (clean === base) return ".";
  const prefix = base === "/" ? "/" : `${base}/`;
  return clean.startsWith(prefix) ? clean.slice(prefix.length) : undefined;
}
