import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildError } from "../../errors.ts";

/** Every process of a job carries its folder in this variable. */
export const jobVariable = "ROADSTEAD_JOB";

const lookEveryMs = 20;
const serverEndMs = 5_000;
const killEndMs = 10_000;

/**
 * Ends everything that a job has started, also what left its group or outlived a killed control plane. A PostgreSQL
 * server is asked first: only by itself does it give its shared memory back.
 */
export async function endJobProcesses(root: string): Promise<void> {
  for (const pid of await postgresServers(root)) send(pid, "SIGQUIT");
  await waitUntil(async () => (await postgresServers(root)).length === 0, serverEndMs);
  const areGone = async () => {
    const left = jobProcesses(root);
    for (const pid of left) send(pid, "SIGKILL");
    return left.length === 0;
  };
  if (!(await waitUntil(areGone, killEndMs)))
    throw buildError("BUILD_WORKSPACE_FAILED", `processes of ${root} do not end when they are killed`);
}

/** Two marks, because some servers overwrite their environment with their title, and scripts change their folder. */
export function jobProcesses(root: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => belongsTo(pid, root));
}

function belongsTo(pid: number, root: string): boolean {
  try {
    if (`${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${root}/`)) return true;
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(`${jobVariable}=${root}`);
  } catch {
    // It has ended, or belongs to somebody else.
    return false;
  }
}

/** Main processes of the job's PostgreSQL servers, by the file that each writes into its data folder. */
async function postgresServers(root: string): Promise<number[]> {
  const folder = join(root, "services");
  const names = await readdir(folder).catch(() => []);
  const pids = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name, "data", "postmaster.pid"), "utf8").catch(() => "");
      return Number(text.split("\n")[0]);
    }),
  );
  return pids.filter((pid) => pid > 0 && belongsTo(pid, root));
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

async function waitUntil(isSo: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; ) {
    if (await isSo()) return true;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return false;
}
