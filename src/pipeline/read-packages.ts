import { parse } from "yaml";
import { z } from "zod";
import { baseName, joinPath } from "../lib/posix-path.ts";
import type { Problem } from "../stack/problem.ts";
import { matchesPattern } from "./match-pattern.ts";
import { folderOf, isInside, type Repository } from "./repository.ts";

/** One `package.json`, with its place in a workspace. */
export type Package = {
  /** Its own name, else its folder's. */
  name: string;
  folder: string;
  scripts: Readonly<Record<string, string>>;
  /** Of every kind but peers: name -> range. */
  dependencies: Readonly<Record<string, string>>;
  /** Folder of the workspace that it belongs to, with the lock file; its own folder when it stands alone. */
  root: string;
  /** Folders of the packages of the same workspace that it depends on directly. */
  dependsOn: readonly string[];
  /** It is the root of a workspace with members. */
  isWorkspaceRoot: boolean;
  /** The `packageManager` field, e.g. `pnpm@9.1.0`. */
  packageManager?: string;
};

/** By folder; a package that cannot be read is a problem and left out. */
export type Packages = { packages: readonly Package[]; problems: readonly Problem[] };

/** More are not looked at: nobody builds so many from one repository. */
const maxPackages = 500;

const texts = z.record(z.string(), z.string()).catch({});

const manifestSchema = z.looseObject({
  name: z.string().optional().catch(undefined),
  scripts: texts.optional(),
  dependencies: texts.optional(),
  devDependencies: texts.optional(),
  optionalDependencies: texts.optional(),
  packageManager: z.string().optional().catch(undefined),
  workspaces: z
    .union([
      z.array(z.string()),
      z.looseObject({ packages: z.array(z.string()) }).transform((w) => w.packages),
    ])
    .optional()
    .catch(undefined),
});

type Manifest = z.output<typeof manifestSchema>;

/** Finds the packages of a repository and which of them form workspaces (npm, Yarn: `workspaces`; pnpm: its own file). */
export function readPackages(repository: Repository): Packages {
  const problems: Problem[] = [];
  const manifests = new Map<string, Manifest>();
  const files = repository.list().filter(isManifest).toSorted();
  for (const file of files.slice(0, maxPackages)) {
    const manifest = readManifest(repository.readText(file));
    if (manifest === undefined) problems.push(unreadable(file));
    else manifests.set(folderOf(file), manifest);
  }
  const roots = new Map<string, readonly string[]>();
  for (const [folder, manifest] of manifests) {
    const patterns = pnpmPatterns(repository, folder) ?? manifest.workspaces;
    if (patterns !== undefined) roots.set(folder, patterns);
  }
  const rootOf = (folder: string) => outermostRoot(folder, roots);
  const packages = [...manifests].map(([folder, manifest]) => {
    const root = rootOf(folder);
    return toPackage(folder, manifest, {
      root,
      isWorkspaceRoot:
        roots.has(folder) && [...manifests.keys()].some((f) => f !== folder && rootOf(f) === folder),
    });
  });
  return { packages: packages.map((p) => ({ ...p, dependsOn: dependsOn(p, packages) })), problems };
}

/** Installed packages and test data are not the repository's own. */
function isManifest(path: string): boolean {
  return baseName(path) === "package.json" && !/(^|\/)(node_modules|__fixtures__|fixtures)\//.test(path);
}

function readManifest(text: string | undefined): Manifest | undefined {
  try {
    const result = manifestSchema.safeParse(JSON.parse((text ?? "").replace(/^\uFEFF/, "")));
    return result.success ? result.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function unreadable(file: string): Problem {
  return {
    severity: "error",
    code: "PACKAGE_UNREADABLE",
    message: "this is not a package.json",
    path: "",
    file,
  };
}

function pnpmPatterns(repository: Repository, folder: string): readonly string[] | undefined {
  const text = repository.readText(joinPath(folder, "pnpm-workspace.yaml"));
  if (text === undefined) return undefined;
  try {
    return z.looseObject({ packages: z.array(z.string()) }).safeParse(parse(text, { logLevel: "error" })).data
      ?.packages;
  } catch {
    // Not YAML: pnpm itself will say so in the install step.
    return undefined;
  }
}

/** A workspace inside a workspace belongs to the outer one only when that lists it. */
function outermostRoot(folder: string, roots: ReadonlyMap<string, readonly string[]>): string {
  for (const [root, patterns] of roots) {
    if (root === folder || !isInside(folder, root)) continue;
    const relative = root === "." ? folder : folder.slice(root.length + 1);
    const listed = patterns.filter((p) => !p.startsWith("!")).some((p) => fits(relative, p));
    const excluded = patterns.some((p) => p.startsWith("!") && fits(relative, p.slice(1)));
    if (listed && !excluded) return root;
  }
  return folder;
}

function fits(folder: string, pattern: string): boolean {
  return matchesPattern(folder, pattern.replace(/^\.\//, "").replace(/\/+$/, ""));
}

function toPackage(
  folder: string,
  manifest: Manifest,
  place: Pick<Package, "root" | "isWorkspaceRoot">,
): Package {
  return {
    name: manifest.name ?? (folder === "." ? "root" : baseName(folder)),
    folder,
    scripts: manifest.scripts ?? {},
    dependencies: {
      ...manifest.optionalDependencies,
      ...manifest.devDependencies,
      ...manifest.dependencies,
    },
    dependsOn: [],
    ...place,
    ...(manifest.packageManager === undefined ? {} : { packageManager: manifest.packageManager }),
  };
}

function dependsOn(of: Package, packages: readonly Package[]): string[] {
  return packages
    .filter(
      ({ name, root, folder }) =>
        root === of.root && folder !== of.folder && Object.hasOwn(of.dependencies, name),
    )
    .map(({ folder }) => folder);
}
