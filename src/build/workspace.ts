import { cp, glob, mkdir, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { messageOf } from "../lib/platform-error.ts";
import { linkCaches } from "./caches.ts";
import { buildError } from "./errors.ts";
import type { JobRunSpec } from "./port.ts";

/** The folders of one job. */
export type Workspace = {
  /** Holds all of the job; removed with it. */
  root: string;
  /** The commit's files. */
  files: string;
  home: string;
  /** Data of throw-away servers. */
  services: string;
};

/** Where a driver keeps the jobs under way, and what outlives them. */
export function workFolder(folder: string): string {
  return join(folder, "work");
}

export function workspaceOf(folder: string, id: string): Workspace {
  const root = join(workFolder(folder), id);
  return { root, files: join(root, "files"), home: join(root, "home"), services: join(root, "services") };
}

/** A fresh copy of the commit's files, a home of its own, and the caches where the job expects them. */
export async function fillWorkspace(workspace: Workspace, folder: string, spec: JobRunSpec): Promise<void> {
  const { source, job, cacheKey } = spec;
  const { files, home } = workspace;
  try {
    // Servers may run as another user, who passes through.
    await mkdir(workspace.services, { recursive: true, mode: 0o711 });
    await mkdir(home, { mode: 0o700 });
    await cp(source, files, { recursive: true, verbatimSymlinks: true });
    for (const given of spec.given ?? [])
      await cp(given, files, { recursive: true, verbatimSymlinks: true }).catch(unlessAbsent);
    await linkCaches(job.caches, { files, home, kept: cacheFolder(folder, cacheKey) });
  } catch (cause) {
    throw buildError("BUILD_WORKSPACE_FAILED", `no workspace for ${job.name}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** A job whose patterns have found nothing has made no folder. */
function unlessAbsent(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}

export function cacheFolder(folder: string, cacheKey: string): string {
  return join(folder, "cache", cacheKey);
}

/** Copies what fits the job's patterns; links are left out, because they may point anywhere. */
export async function keepArtefacts(files: string, spec: JobRunSpec): Promise<void> {
  if (spec.artefacts === undefined) return;
  for (const pattern of spec.job.artefacts) {
    for await (const entry of glob(pattern, { cwd: files, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const kept = join(spec.artefacts, relative(files, path));
      await mkdir(dirname(kept), { recursive: true });
      await cp(path, kept);
    }
  }
}

export async function removeWorkspace({ root }: Workspace): Promise<void> {
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
}
