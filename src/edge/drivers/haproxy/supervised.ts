import { spawn } from "node:child_process";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import type { Clock } from "../../../lib/clock.ts";
import { edgeStartFailed } from "../../errors.ts";

export type Supervised = {
  argv: readonly string[];
  /** An argument no other process has: tells ours from a stranger that got its process id. */
  mark: string;
  pidFile: string;
  log: string;
};

const stopLimitMs = 5_000;
const listenLimitMs = 10_000;

/** Starts a program that outlives this process and is started again when it ends; does nothing when it runs. */
export async function startSupervised(program: Supervised): Promise<void> {
  if ((await supervisorOf(program)) !== undefined) return;
  await mkdir(dirname(program.log), { recursive: true, mode: 0o700 });
  const log = await open(program.log, "a", 0o600);
  try {
    const child = spawn("sh", [join(import.meta.dirname, "supervise.sh"), ...program.argv], {
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) => reject(edgeStartFailed("cannot start its supervisor", cause)));
    });
    child.unref();
    await writeFileAtomic(program.pidFile, `${child.pid}\n`);
  } finally {
    await log.close();
  }
}

/** Ends the program and its supervisor; by force after five seconds. */
export async function stopSupervised(program: Supervised, clock: Clock): Promise<void> {
  const pid = await supervisorOf(program);
  if (pid === undefined) return;
  process.kill(pid, "SIGTERM");
  const until = clock.now() + stopLimitMs;
  while (alive(pid)) {
    if (clock.now() > until) {
      process.kill(-pid, "SIGKILL");
      break;
    }
    await clock.sleep(20);
  }
  await rm(program.pidFile, { force: true });
}

/** Waits until a program takes connections on its unix socket. Throws EDGE_START_FAILED. */
export async function untilListening(socket: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const until = clock.now() + listenLimitMs;
  while (clock.now() < until) {
    const open = await new Promise<boolean>((resolve) => {
      const probe = connect(socket);
      probe.once("error", () => resolve(false));
      probe.once("connect", () => {
        probe.destroy();
        resolve(true);
      });
    });
    if (open) return;
    await clock.sleep(20, signal);
  }
  throw edgeStartFailed(`nothing listens on ${socket} after ${listenLimitMs / 1000} s`);
}

async function supervisorOf(program: Supervised): Promise<number | undefined> {
  const pid = Number(await readFile(program.pidFile, "utf8").catch(() => ""));
  if (!(pid > 1)) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return command.split("\0").includes(program.mark) ? pid : undefined;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
