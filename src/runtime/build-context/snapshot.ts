import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { copyFile, lstat, mkdir, readdir, readFile, readlink, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { mapLimited } from "../../lib/limit.ts";
import { type IgnoreRules, parseDockerignore } from "./dockerignore.ts";

type Entry = { path: string; kind: "file" | "link" | "folder"; mode: number };

/** The files of a build context that take part, in a stable order. `dockerfile` is relative to the context. */
export async function listContext(
  context: string,
  dockerfile: string,
  signal: AbortSignal,
): Promise<Entry[]> {
  const rules = await ignoreRules(context, dockerfile);
  const entries: Entry[] = [];
  const walk = async (folder: string): Promise<void> => {
    signal.throwIfAborted();
    for (const item of await readdir(join(context, folder), { withFileTypes: true })) {
      const path = folder === "" ? item.name : `${folder}/${item.name}`;
      const ignored = rules.ignores(path);
      if (item.isDirectory()) {
        if (!ignored) entries.push({ path, kind: "folder", mode: 0o755 });
        if (!ignored || (rules.hasExceptions && item.name !== ".git")) await walk(path);
      } else if (!ignored && (item.isFile() || item.isSymbolicLink())) {
        const { mode } = await lstat(join(context, path));
        entries.push({ path, kind: item.isFile() ? "file" : "link", mode: mode & 0o111 ? 0o755 : 0o644 });
      }
    }
  };
  await walk("");
  return entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** `<dockerfile>.dockerignore` wins over `.dockerignore`, as in BuildKit. */
async function ignoreRules(context: string, dockerfile: string): Promise<IgnoreRules> {
  for (const name of [`${dockerfile}.dockerignore`, ".dockerignore"]) {
    const text = await readFile(join(context, name), "utf8").catch(() => undefined);
    if (text !== undefined) return parseDockerignore(text);
  }
  return parseDockerignore("");
}

/** Hex SHA-256 over names, kinds, executable bits and contents; times and owners do not count. */
export async function hashContext(
  context: string,
  entries: readonly Entry[],
  signal: AbortSignal,
): Promise<string> {
  const digests = await mapLimited(entries, 8, async ({ path, kind }) => {
    signal.throwIfAborted();
    if (kind === "folder") return "";
    const hash = createHash("sha256");
    if (kind === "link") hash.update(await readlink(join(context, path)));
    else await pipeline(createReadStream(join(context, path)), hash);
    return hash.digest("hex");
  });
  const whole = createHash("sha256");
  for (const [index, { path, kind, mode }] of entries.entries())
    whole.update(`${JSON.stringify([path, kind, mode, digests[index]])}\n`);
  return whole.digest("hex");
}

/** Copies the entries, sharing blocks where the file system can (copy on write). */
export async function copyContext(
  context: string,
  entries: readonly Entry[],
  to: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const { path, kind } of entries) {
    signal.throwIfAborted();
    const target = join(to, path);
    await mkdir(kind === "folder" ? target : dirname(target), { recursive: true });
    if (kind === "link") await symlink(await readlink(join(context, path)), target);
    if (kind === "file") await copyFile(join(context, path), target, constants.COPYFILE_FICLONE);
  }
}
