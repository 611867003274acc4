import type { JobService, JobServiceKind } from "./pipeline.ts";
import type { Package } from "./read-packages.ts";
import { folderOf, isInside, type Repository } from "./repository.ts";

const variables: Readonly<Record<JobServiceKind, RegExp>> = {
  postgres: /\benv(?:\.|\[["'])((?:[A-Z]+_)?(?:DATABASE|POSTGRES|PG)_URL)\b/,
  redis: /\benv(?:\.|\[["'])((?:[A-Z]+_)?REDIS_URL)\b/,
};
const packagesOf: Readonly<Record<JobServiceKind, readonly string[]>> = {
  postgres: ["pg", "postgres", "@prisma/client", "typeorm", "knex", "@types/pg"],
  redis: ["redis", "ioredis"],
};
const versions: Readonly<Record<JobServiceKind, string>> = { postgres: "17", redis: "7" };

/** Tests of one package are read up to this many. */
const maxTests = 300;

/**
 * Databases that a package's tests ask for: their texts read a variable such as `DATABASE_URL`, and the package has a
 * client for it. The version is the one that a Compose file of the repository names.
 */
export function deriveServices(
  repository: Repository,
  one: Package,
  packages: readonly Package[],
): JobService[] {
  if (!Object.hasOwn(one.scripts, "test")) return [];
  const files = repository.list();
  const nested = packages
    .map(({ folder }) => folder)
    .filter((f) => f !== one.folder && isInside(f, one.folder));
  const tests = files
    .filter((path) => isInside(path, one.folder) && !nested.some((f) => isInside(path, f)) && isTest(path))
    .slice(0, maxTests)
    .map((path) => repository.readText(path) ?? "");
  return (["postgres", "redis"] as const).flatMap((kind) => {
    if (!packagesOf[kind].some((name) => Object.hasOwn(one.dependencies, name))) return [];
    const variable = tests.map((text) => variables[kind].exec(text)?.[1]).find((name) => name !== undefined);
    return variable === undefined ? [] : [{ kind, version: versionOf(repository, kind), variable }];
  });
}

function isTest(path: string): boolean {
  return (
    /\.[cm]?[jt]sx?$/.test(path) &&
    (/(^|\/)(tests?|__tests__|spec)\//.test(path) || /[.-](test|spec)\.\w+$/.test(path))
  );
}

function versionOf(repository: Repository, kind: JobServiceKind): string {
  const image = new RegExp(`^\\s*image:\\s*["']?(?:[\\w.-]+/)*${kind}:(\\d+(?:\\.\\d+)?)`, "m");
  for (const path of repository.list()) {
    if (folderOf(path).split("/").length > 2 || !/(^|\/)(docker-)?compose[\w.-]*\.ya?ml$/.test(path))
      continue;
    const version = image.exec(repository.readText(path) ?? "")?.[1];
    if (version !== undefined) return version;
  }
  return versions[kind];
}
