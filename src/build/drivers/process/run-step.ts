import { type ChildProcess, spawn } from "node:child_process";
import { setPriority } from "node:os";
import type { StepResult } from "../../run-steps.ts";
import { groupMemory } from "./group-memory.ts";

export type StepSpec = {
  script: string;
  folder: string;
  env: Record<string, string>;
  timeoutMs: number;
  memoryBytes: number;
};

/** Below everything that serves (nice value, 0 is normal, 19 the lowest). */
export const niceness = 10;
const memoryLookMs = 250;
const maxLineLength = 4000;

/** One step's script in a process group of its own, so that all it started ends with it. */
export async function runStep(
  spec: StepSpec,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<StepResult> {
  signal.throwIfAborted();
  const child = spawn("/bin/sh", ["-e", "-c", spec.script], {
    cwd: spec.folder,
    env: spec.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  lowerPriority(child);
  readLines(child, onLine);
  return await new Promise<StepResult>((resolve, reject) => {
    let verdict: StepResult | undefined;
    const end = (why: StepResult) => {
      verdict ??= why;
      killGroup(child);
    };
    const timer = setTimeout(() => end({ kind: "timedOut" }), spec.timeoutMs);
    const watch = setInterval(() => {
      if (child.pid !== undefined && groupMemory(child.pid) > spec.memoryBytes)
        end({ kind: "outOfMemory", limitBytes: spec.memoryBytes });
    }, memoryLookMs);
    const onAbort = () => killGroup(child);
    signal.addEventListener("abort", onAbort, { once: true });
    const settle = () => {
      clearTimeout(timer);
      clearInterval(watch);
      signal.removeEventListener("abort", onAbort);
      // What the script left in the background must not outlive it.
      killGroup(child);
    };
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    child.on("exit", () => killGroup(child));
    child.on("close", (code) => {
      settle();
      resolve(verdict ?? { kind: "ended", exitCode: code ?? 137 });
    });
  });
}

function lowerPriority(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) setPriority(child.pid, niceness);
  } catch {
    // It has ended already.
  }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = (lines.pop() ?? "").slice(-maxLineLength);
      for (const line of lines) onLine(line.trimEnd());
    });
    stream.on("end", () => {
      if (rest !== "") onLine(rest.trimEnd());
    });
  }
}
