import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PlatformError } from "../src/lib/platform-error.ts";

/**
 * One control plane per home: a pid file that a crash may leave behind. A process with that number that started at
 * another time is somebody else (the start time is field 22 of /proc/<pid>/stat, see proc(5)).
 */
export function holdHome(home: string): void {
  const file = join(home, "control-plane.pid");
  const other = readHolder(file);
  if (other && other.pid !== process.pid && startOf(other.pid) === other.start) {
    throw new PlatformError("HOME_IN_USE", `a control plane already runs on ${home} (pid ${other.pid})`, {
      hint: "Stop it with `roadstead down --platform`, or use another --home.",
    });
  }
  writeFileSync(file, JSON.stringify({ pid: process.pid, start: startOf(process.pid) }), { mode: 0o600 });
  process.on("exit", () => rmSync(file, { force: true }));
}

function readHolder(file: string): { pid: number; start: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as { pid: number; start: string };
  } catch {
    // No file, or one that a crash cut short: nobody holds the home.
    return undefined;
  }
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "gone";
  }
}
