import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PlatformError } from "../src/lib/platform-error.ts";
import { lifeOf, startOf, untilGone } from "../src/lib/process-life.ts";

/** A big process takes a moment to give its memory back. */
const endingLimitMs = 10_000;

/**
 * One control plane per home: a pid file that a crash may leave behind. A process with that number that started at
 * another time is somebody else. One that was killed is waited for: it still holds the database and the ports.
 */
export async function holdHome(home: string): Promise<void> {
  const file = join(home, "control-plane.pid");
  const other = readHolder(file);
  const isThere = other && other.pid !== process.pid && startOf(other.pid) === other.start;
  if (isThere && (lifeOf(other.pid) === "runs" || !(await untilGone(other.pid, endingLimitMs)))) {
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
