import { baseName, cleanPath } from "../lib/posix-path.ts";
import type { Package } from "./read-packages.ts";
import { folderOf, isInside } from "./repository.ts";

/** Why each package has to be checked and built again; a package that is not named need not be. */
export type AffectedPackages = ReadonlyMap<string, string>;

/**
 * The packages, by folder, that a change touches: those whose files have changed, all that depend on them in
 * their workspace, and every package when something changes that all of them read. In doubt a package is touched.
 */
export function affectedPackages(
  packages: readonly Package[],
  changedPaths: readonly string[],
): AffectedPackages {
  const affected = new Map<string, string>();
  const touch = (folder: string, reason: string) => {
    if (!affected.has(folder)) affected.set(folder, reason);
  };
  for (const path of changedPaths.map(cleanPath)) {
    if (isDocumentation(path, packages)) continue;
    const owner = ownerOf(path, packages);
    if (isSharedConfiguration(path)) for (const { folder } of packages) touch(folder, `${path} changed`);
    else if (owner?.isWorkspaceRoot && !isOwnOfRoot(path, owner)) {
      for (const member of packages)
        if (member.root === owner.folder) touch(member.folder, `${path} changed`);
    } else if (owner !== undefined) touch(owner.folder, `${path} changed`);
  }
  spread(packages, affected, touch);
  return affected;
}

/** The package in whose folder a path lies, the innermost one. */
export function ownerOf(path: string, packages: readonly Package[]): Package | undefined {
  return packages
    .filter(({ folder }) => isInside(path, folder))
    .reduce<Package | undefined>(
      (best, one) => (best && depth(best.folder) >= depth(one.folder) ? best : one),
      undefined,
    );
}

/** Texts for people, which end up in no image: `docs`, unless it is a package itself, and the usual files of a folder. */
export function isDocumentation(path: string, packages: readonly Package[]): boolean {
  if (
    /^(README|CHANGELOG|CONTRIBUTING|LICEN[CS]E|SECURITY|CODE_OF_CONDUCT|AUTHORS)(\.|$)/i.test(baseName(path))
  )
    return true;
  if (/^(\.github|\.gitea|\.forgejo|\.vscode|\.idea)\/|^\.(gitignore|gitattributes|editorconfig)$/.test(path))
    return true;
  if (folderOf(path) === "." && /\.(md|mdx|txt|adoc)$/i.test(path)) return true;
  return /^docs?\//.test(path) && (ownerOf(path, packages)?.folder ?? ".") === ".";
}

const sharedNames =
  /^(\.npmrc|\.nvmrc|\.node-version|\.tool-versions|\.yarnrc(\.yml)?|tsconfig[\w.-]*\.json|biome\.jsonc?|\.?eslint[\w.-]*|\.?prettier[\w.-]*|turbo\.json|nx\.json|lerna\.json|pnpm-workspace\.yaml|(docker-)?compose[\w.-]*\.ya?ml|\.env[\w.-]*)$/;

/** Files at the root of the repository that tools look for from any folder below. */
function isSharedConfiguration(path: string): boolean {
  return folderOf(path) === "." && sharedNames.test(path);
}

/** The root's tests are its own; anything else there, the lock file first of all, may matter to every member. */
function isOwnOfRoot(path: string, root: Package): boolean {
  const relative = root.folder === "." ? path : path.slice(root.folder.length + 1);
  return /^(tests?|e2e|__tests__)\//.test(relative) || isImageFile(relative);
}

/** Matters to the services built from it, and they know their own. */
function isImageFile(path: string): boolean {
  return /(^|\/)([\w.-]*Dockerfile[\w.-]*|\.dockerignore)$/.test(path);
}

/** Dependents of what is touched; the root of a workspace, whose checks are about the whole, with any member. */
function spread(
  packages: readonly Package[],
  affected: ReadonlyMap<string, string>,
  touch: (folder: string, reason: string) => void,
): void {
  // Each round touches at least one more package, or is the last.
  for (let round = 0; round <= packages.length; round += 1) {
    const before = affected.size;
    for (const one of packages) {
      const need = one.dependsOn.find((folder) => affected.has(folder));
      if (need !== undefined) touch(one.folder, `it depends on ${need}`);
      const member = packages.find((p) => p.root === one.folder && p !== one && affected.has(p.folder));
      if (one.isWorkspaceRoot && member !== undefined)
        touch(one.folder, `it is the workspace of ${member.folder}`);
    }
    if (affected.size === before) return;
  }
}

function depth(folder: string): number {
  return folder === "." ? 0 : folder.split("/").length;
}
