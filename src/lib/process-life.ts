import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "./clock.ts";

/** `ending`: killed, but its memory, ports and files are not given back yet. */
export type ProcessLife = "runs" | "ending" | "gone";

/** PF_EXITING of the kernel's task flags, field 9 of /proc/<pid>/stat. */
const exitingFlag = 0x4;
const killSignal = 9;
const lookAgainMs = 20;

/** From /proc (proc(5)): a killed process stays listed, with its number, start time and ports, until it has ended. */
export function lifeOf(pid: number): ProcessLife {
  const fields = statFields(pid);
  const [state = "", , , , , , flags = "0"] = fields;
  if (fields.length === 0 || state === "X") return "gone";
  // A zombie waits for its parent only; its threads may still hold what was open.
  if (state === "Z") return threadsOf(pid) > 1 ? "ending" : "gone";
  return (Number(flags) & exitingFlag) !== 0 || isKilled(pid) ? "ending" : "runs";
}

/** Clock ticks after the boot: tells a process from a later one with the same number. Empty when there is none. */
export function startOf(pid: number): string {
  return statFields(pid)[19] ?? "";
}

/** True once an ending process is gone; false when it is not within the limit. */
export async function untilGone(pid: number, limitMs: number): Promise<boolean> {
  const deadline = systemClock.now() + limitMs;
  while (lifeOf(pid) !== "gone") {
    if (systemClock.now() > deadline) return false;
    await systemClock.sleep(lookAgainMs);
  }
  return true;
}

/** From the third field on; the second may hold spaces. */
function statFields(pid: number): string[] {
  const stat = readText(`/proc/${pid}/stat`);
  return stat === "" ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function isKilled(pid: number): boolean {
  const pending = readText(`/proc/${pid}/status`).matchAll(/^(?:SigPnd|ShdPnd):\s+([0-9a-f]+)/gm);
  return [...pending].some(([, bits]) => ((BigInt(`0x${bits}`) >> BigInt(killSignal - 1)) & 1n) === 1n);
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    // It ended between two looks.
    return 0;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // No such process, or no /proc.
    return "";
  }
}
