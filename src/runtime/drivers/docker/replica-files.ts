import { chmod, chown, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ReplicaId } from "../../../rollout/ids.ts";
import type { MountedFile } from "../../port.ts";
import type { HostFile } from "./mounts.ts";

/**
 * Secrets and configs are files of the host, bind-mounted read-only: that works with a read-only root (copying into
 * the container does not), survives an engine restart, and leaves nothing in an image layer. Their folder is closed
 * to everybody but root; owner and mode of each file are what the service asked for.
 */
export async function writeReplicaFiles(
  directory: string,
  id: string,
  files: readonly MountedFile[],
): Promise<HostFile[]> {
  if (files.length === 0) return [];
  const folder = folderOf(directory, id);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const written: HostFile[] = [];
  for (const [index, file] of files.entries()) {
    const source = join(folder, String(index));
    const temporary = `${source}.tmp`;
    await rm(temporary, { force: true });
    await writeFile(temporary, file.content, { mode: 0o600, flush: true });
    if (file.uid !== undefined || file.gid !== undefined)
      await chown(temporary, file.uid ?? 0, file.gid ?? 0);
    await chmod(temporary, file.mode);
    await rename(temporary, source);
    written.push({ source, target: file.target });
  }
  return written;
}

export async function removeReplicaFiles(directory: string, id: ReplicaId | string): Promise<void> {
  await rm(folderOf(directory, id), { recursive: true, force: true });
}

function folderOf(directory: string, id: string): string {
  return join(directory, "files", id.replace(/[^A-Za-z0-9_.-]/g, "_"));
}
