import type { Problem } from "../stack/problem.ts";
import { deriveServices } from "./derive-services.ts";
import { choosePackageManager, type PackageManager } from "./package-manager.ts";
import { defaultJobTimeoutSeconds, type Job, type Pipeline, type Step } from "./pipeline.ts";
import { type Package, readPackages } from "./read-packages.ts";
import type { Repository } from "./repository.ts";
import { buildsAsItRuns, scriptsOf } from "./scripts.ts";

export type DerivedPipeline = {
  /** Without jobs when no package has a script that checks or builds anything. */
  pipeline: Pipeline;
  /** An error stops the run before it starts; the install steps would fail as well. */
  problems: readonly Problem[];
};

/**
 * The pipeline of a repository that has none of its own: one job for each package with a script to lint, check the
 * types, test or build. Every job installs from the lock file first; checks that do not depend on each other run together.
 */
export function derivePipeline(repository: Repository): DerivedPipeline {
  const { packages, problems } = readPackages(repository);
  const byFolder = new Map(packages.map((one) => [one.folder, one]));
  const tools = new Map<string, PackageManager>();
  const found = [...problems];
  for (const root of packages.filter(({ root, folder }) => root === folder)) {
    const members = packages.filter((one) => one.root === root.folder);
    if (members.every((one) => scriptsOf(one).length === 0)) continue;
    const { manager, problems: lockProblems } = choosePackageManager(repository, root, members);
    tools.set(root.folder, manager);
    found.push(...lockProblems);
  }
  const checked = packages.filter((one) => scriptsOf(one).length > 0);
  const names = jobNames(checked);
  const jobs = checked.flatMap((one): Job[] => {
    const manager = tools.get(one.root);
    const name = names.get(one.folder);
    if (manager === undefined || name === undefined) return [];
    const needed = neededBuilds(one, byFolder);
    return [
      {
        name,
        needs: [],
        folder: one.folder,
        steps: stepsOf(one, manager, needed, installs(one, byFolder)),
        services: deriveServices(repository, one, packages),
        caches: manager.caches,
        artefacts: [],
        secrets: [],
        env: { CI: "true" },
        timeoutSeconds: defaultJobTimeoutSeconds,
        limits: {},
      },
    ];
  });
  const on = { push: { branches: ["**"] }, pullRequest: { branches: ["**"] }, manual: { inputs: [] } };
  return { pipeline: { name: "derived", on, jobs }, problems: found };
}

/** Install, build what it depends on, then all checks that do not need its own build together, then the build. */
function stepsOf(
  one: Package,
  manager: PackageManager,
  needed: readonly Package[],
  install: boolean,
): Step[] {
  const step = (name: string, run: string, changes: Partial<Step> = {}): Step => ({
    name,
    run,
    env: {},
    timeoutSeconds: defaultJobTimeoutSeconds,
    ...changes,
  });
  const scripts = scriptsOf(one);
  const last = buildsAsItRuns(one, "test") ? "test" : "build";
  const early = scripts.filter(({ role }) => role !== "build" && role !== last);
  const late = scripts.filter((script) => !early.includes(script));
  const inOrder = late.toSorted((a, b) => Number(a.role === last) - Number(b.role === last));
  return [
    ...(install ? [step("install", manager.install, { folder: one.root })] : []),
    ...needed.map((other) => step(`build ${other.name}`, manager.run("build"), { folder: other.folder })),
    ...early.map(({ role, script }, index) =>
      step(role, manager.run(script), index === 0 ? {} : { parallel: true }),
    ),
    ...inOrder.map(({ role, script }) => step(role, manager.run(script))),
  ];
}

function installs(one: Package, byFolder: ReadonlyMap<string, Package>): boolean {
  const members = [...byFolder.values()].filter(({ root }) => root === one.root);
  return members.some(({ dependencies }) => Object.keys(dependencies).length > 0);
}

/** The workspace packages that have to be built before this one, dependencies first. */
function neededBuilds(one: Package, byFolder: ReadonlyMap<string, Package>): Package[] {
  const ordered: Package[] = [];
  const seen = new Set([one.folder]);
  const visit = (folder: string) => {
    if (seen.has(folder)) return;
    seen.add(folder);
    const other = byFolder.get(folder);
    if (other === undefined) return;
    for (const next of other.dependsOn) visit(next);
    if (scriptsOf(other).some(({ role }) => role === "build")) ordered.push(other);
  };
  for (const folder of one.dependsOn) visit(folder);
  return ordered;
}

/** The package's name without its scope; its folder where two packages share a name. */
function jobNames(packages: readonly Package[]): Map<string, string> {
  const short = (one: Package) => plain(one.name.replace(/^@[^/]*\//, "")) || plain(one.folder) || "root";
  const count = Map.groupBy(packages, short);
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const one of packages) {
    const preferred = (count.get(short(one))?.length ?? 0) > 1 ? plain(one.folder) || short(one) : short(one);
    let name = preferred;
    for (let number = 2; taken.has(name); number += 1) name = `${preferred}-${number}`;
    taken.add(name);
    names.set(one.folder, name);
  }
  return names;
}

function plain(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]+/g, "-").replaceAll(/^-+|-+$/g, "");
}
