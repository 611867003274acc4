import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Job, Pipeline } from "../pipeline/pipeline.ts";

/** What older runs have kept is removed. */
const keptRuns = 20;

type Of = { job: Job; pipeline: Pipeline };

/** Where a job's artefacts go, and those of all the jobs that it builds on, in the order of the pipeline. */
export function artefactFolders(
  root: string | undefined,
  run: string,
  { job, pipeline }: Of,
): { artefacts?: string; given?: readonly string[] } {
  if (root === undefined) return {};
  const before = neededBy(job, pipeline);
  const folder = (name: string) => join(root, run, name);
  const given = pipeline.jobs.filter(({ name, artefacts }) => before.has(name) && artefacts.length > 0);
  return { artefacts: folder(job.name), given: given.map(({ name }) => folder(name)) };
}

function neededBy(job: Job, { jobs }: Pipeline): Set<string> {
  const found = new Set<string>();
  const open = [...job.needs];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(jobs.find(({ name }) => name === next)?.needs ?? []));
  }
  return found;
}

/** Ids of runs sort by time. */
export async function forgetOldArtefacts(root: string, current: string): Promise<void> {
  const runs = await readdir(root).catch(() => []);
  const old = runs
    .filter((run) => run !== current)
    .sort()
    .slice(0, -keptRuns);
  for (const run of old) await rm(join(root, run), { recursive: true, force: true });
}
