import { parse } from "yaml";
import { z } from "zod";
import { joinPath } from "../lib/posix-path.ts";

/** What a package asks for, its folder seen from the lock file's. */
export type Wanted = { folder: string; dependencies: Readonly<Record<string, string>> };

/** The first dependency that the lock file does not have as `package.json` asks for it. */
export type Stale = { name: string; wanted: string; locked?: string };

/**
 * Compares a package with its lock file. It only tells what is certainly wrong, the install step decides the rest:
 * e.g. npm accepts a changed range while the locked version still lies in it.
 */
export function staleDependency(
  manager: "npm" | "pnpm" | "yarn",
  text: string,
  wanted: Wanted,
): Stale | "unreadable" | undefined {
  if (manager === "npm") return staleInNpm(text, wanted);
  return manager === "pnpm" ? staleInPnpm(text, wanted) : staleInYarn(text, wanted);
}

const npmLock = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ version: z.string().optional() })).optional(),
  /** Version 1 of the format. */
  dependencies: z.record(z.string(), z.looseObject({ version: z.string().optional() })).optional(),
});

function staleInNpm(text: string, { folder, dependencies }: Wanted): Stale | "unreadable" | undefined {
  const lock = npmLock.safeParse(fromJson(text)).data;
  const { packages, dependencies: flat } = lock ?? {};
  if (packages === undefined && flat === undefined) return "unreadable";
  const version = (name: string) => {
    if (packages === undefined) return flat?.[name];
    return packages[joinPath(folder, "node_modules", name)] ?? packages[`node_modules/${name}`];
  };
  return firstStale(dependencies, (name, range) => {
    const entry = version(name);
    if (entry === undefined) return { name, wanted: range };
    const locked = entry.version;
    const exact = /^\d+\.\d+\.\d+[\w.+-]*$/.test(range);
    return exact && locked !== undefined && locked !== range ? { name, wanted: range, locked } : undefined;
  });
}

const specifiers = z.record(
  z.string(),
  z.union([z.string(), z.looseObject({ specifier: z.string() }).transform((entry) => entry.specifier)]),
);
const importer = z.looseObject({
  specifiers: specifiers.optional(),
  dependencies: specifiers.optional(),
  devDependencies: specifiers.optional(),
  optionalDependencies: specifiers.optional(),
});
const pnpmLock = importer.extend({ importers: z.record(z.string(), importer).optional() });

function staleInPnpm(text: string, { folder, dependencies }: Wanted): Stale | "unreadable" | undefined {
  // The importers stand first; what follows is long and of no use here.
  const lock = pnpmLock.safeParse(fromYaml(text.split(/^(?:packages|snapshots):/m)[0] ?? "")).data;
  if (lock === undefined) return "unreadable";
  const own = lock.importers === undefined ? lock : lock.importers[folder];
  const locked = own?.specifiers ?? {
    ...own?.optionalDependencies,
    ...own?.devDependencies,
    ...own?.dependencies,
  };
  return firstStale(dependencies, (name, wanted) => {
    const found = Object.hasOwn(locked, name) ? locked[name] : undefined;
    return found === wanted ? undefined : { name, wanted, ...(found === undefined ? {} : { locked: found }) };
  });
}

function staleInYarn(text: string, { dependencies }: Wanted): Stale | undefined {
  const keys = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    if (!/^["\w@]/.test(line) || !line.endsWith(":")) continue;
    for (const key of line.slice(0, -1).split(",")) keys.add(key.replaceAll('"', "").trim());
  }
  return firstStale(dependencies, (name, wanted) => {
    // A path has no entry of its own in every version of the format.
    if (/^(workspace|file|link|portal|patch|exec):/.test(wanted)) return undefined;
    return keys.has(`${name}@${wanted}`) || keys.has(`${name}@npm:${wanted}`) ? undefined : { name, wanted };
  });
}

function firstStale(
  dependencies: Readonly<Record<string, string>>,
  check: (name: string, range: string) => Stale | undefined,
): Stale | undefined {
  for (const [name, range] of Object.entries(dependencies)) {
    const found = check(name, range);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told as unreadable.
    return undefined;
  }
}

function fromYaml(text: string): unknown {
  try {
    return parse(text, { logLevel: "error" });
  } catch {
    // Told as unreadable.
    return undefined;
  }
}
