import { joinPath } from "../lib/posix-path.ts";
import type { Problem } from "../stack/problem.ts";
import { staleDependency } from "./lock-file.ts";
import type { Package } from "./read-packages.ts";
import type { Repository } from "./repository.ts";

export type PackageManager = {
  name: "npm" | "pnpm" | "yarn";
  lockFile: string;
  /** Installs what the lock file says or fails. */
  install: string;
  run: (script: string) => string;
  /** Where it keeps what it has downloaded, in the form of `Job.caches`. */
  caches: readonly string[];
};

const npm: PackageManager = {
  name: "npm",
  lockFile: "package-lock.json",
  install: "npm ci",
  run: (script) => `npm run ${script}`,
  caches: ["~/.npm"],
};
const pnpm: PackageManager = {
  name: "pnpm",
  lockFile: "pnpm-lock.yaml",
  install: "pnpm install --frozen-lockfile",
  run: (script) => `pnpm run ${script}`,
  caches: ["~/.local/share/pnpm/store"],
};
const yarn: PackageManager = {
  name: "yarn",
  lockFile: "yarn.lock",
  install: "yarn install --frozen-lockfile",
  run: (script) => `yarn run ${script}`,
  caches: ["~/.cache/yarn"],
};
/** Since version 2 the option has another name. */
const yarnBerry: PackageManager = {
  ...yarn,
  install: "yarn install --immutable",
  caches: ["~/.yarn/berry/cache"],
};

const managers = [pnpm, yarn, npm];

/**
 * The package manager of a workspace, or of a package on its own, by its lock file. A missing or stale lock file is an
 * error: an install step must never decide by itself which versions are built.
 */
export function choosePackageManager(
  repository: Repository,
  root: Package,
  members: readonly Package[],
): { manager: PackageManager; problems: Problem[] } {
  const named = managers.find(({ name }) => root.packageManager?.startsWith(`${name}@`));
  const present = managers.filter(
    ({ lockFile }) => repository.readText(joinPath(root.folder, lockFile)) !== undefined,
  );
  const chosen = present.find((manager) => manager === named) ?? present[0];
  if (chosen === undefined) {
    const manager = named ?? npm;
    const needed = members.some(({ dependencies }) => Object.keys(dependencies).length > 0);
    return { manager, problems: needed ? [missing(root, manager)] : [] };
  }
  const lock = { path: joinPath(root.folder, chosen.lockFile), text: "" };
  lock.text = repository.readText(lock.path) ?? "";
  const problems = members.flatMap((member) =>
    stale(repository, { manager: chosen, lock, member, members, root }),
  );
  if (present.length > 1) problems.unshift(several(root, chosen, present));
  const berry = chosen === yarn && /^__metadata:/m.test(lock.text);
  return { manager: berry ? yarnBerry : chosen, problems };
}

function missing(root: Package, manager: PackageManager): Problem {
  return {
    severity: "error",
    code: "LOCK_FILE_MISSING",
    message: `${root.folder === "." ? "the root" : root.folder} has dependencies but no lock file, so every build could get other versions`,
    path: "",
    file: joinPath(root.folder, "package.json"),
    fix: `run \`${manager.name} install\` and commit ${manager.lockFile}`,
  };
}

function several(root: Package, chosen: PackageManager, present: readonly PackageManager[]): Problem {
  const others = present.filter((manager) => manager !== chosen).map(({ lockFile }) => lockFile);
  return {
    severity: "warning",
    code: "LOCK_FILES_SEVERAL",
    message: `${chosen.lockFile} is used, ${others.join(" and ")} beside it is not`,
    path: "",
    file: joinPath(root.folder, others[0] ?? ""),
    fix: "remove the lock files of package managers that are not used",
  };
}

type Check = {
  manager: PackageManager;
  lock: { path: string; text: string };
  member: Package;
  members: readonly Package[];
  root: Package;
};

function stale(repository: Repository, { manager, lock, member, members, root }: Check): Problem[] {
  const siblings = new Set(members.map(({ name }) => name));
  const wanted = Object.entries(member.dependencies).filter(([name]) => !siblings.has(name));
  const relative =
    member.folder === root.folder
      ? "."
      : member.folder.slice(root.folder === "." ? 0 : root.folder.length + 1);
  const found = staleDependency(manager.name, lock.text, {
    folder: relative,
    dependencies: Object.fromEntries(wanted),
  });
  if (found === undefined) return [];
  if (found === "unreadable") {
    const message = "the lock file cannot be read";
    return member === root
      ? [
          {
            severity: "error",
            code: "LOCK_FILE_STALE",
            message,
            path: "",
            file: lock.path,
            fix: `run \`${manager.name} install\``,
          },
        ]
      : [];
  }
  const file = joinPath(member.folder, "package.json");
  const line =
    (repository.readText(file) ?? "").split("\n").findIndex((text) => text.includes(`"${found.name}"`)) + 1;
  return [
    {
      severity: "error",
      code: "LOCK_FILE_STALE",
      message: `${lock.path} ${found.locked === undefined ? "does not have" : `has ${found.locked} instead of`} ${found.name}@${found.wanted}, which package.json asks for`,
      path: "",
      file,
      ...(line === 0 ? {} : { line }),
      fix: `run \`${manager.name} install\` and commit ${manager.lockFile}`,
    },
  ];
}
