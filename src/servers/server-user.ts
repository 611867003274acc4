import { access, chmod, cp, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export type ServerUser = { name: string; uid: number; gid: number };

type Ids = { uid: number; gid: number };

/** Users that may stand for a server's own, best first. */
const userNames = { postgres: ["postgres", "nobody"], redis: ["redis", "valkey", "nobody"] };

/** The user of this machine that a server runs as where the control plane is root: PostgreSQL refuses to be root. */
export async function unprivilegedUser(kind: "postgres" | "redis"): Promise<ServerUser | undefined> {
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const found = userNames[kind]
    .map((name) => users.find(([user]) => user === name))
    .find((user) => user !== undefined);
  return found && { name: found[0] ?? "", uid: Number(found[2]), gid: Number(found[3]) };
}

/** The topmost folder on the way to `path`, itself included, that this user may not enter. */
export async function firstClosedFolder(path: string, user: Ids): Promise<string | undefined> {
  const parts = path.split("/");
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join("/") || "/";
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
  }
  return undefined;
}

/**
 * `bin` itself if the user can get there; else, e.g. for a checkout under /root, the same folder in a copy of what lies
 * around it.
 */
export async function reachableFolder(bin: string, copy: string, user: Ids): Promise<string> {
  if ((await firstClosedFolder(bin, user)) === undefined) return bin;
  const copied = join(copy, basename(bin));
  if (await exists(copied)) return copied;
  const building = `${copy}.${process.pid}.tmp`;
  await cp(dirname(bin), building, { recursive: true, verbatimSymlinks: true });
  await chmod(building, 0o755);
  await rename(building, copy).finally(() => rm(building, { recursive: true, force: true }));
  return copied;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
