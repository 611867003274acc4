import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Writable } from "node:stream";
import { messageOf, type PlatformError } from "../../../lib/platform-error.ts";
import { runtimeError } from "../../errors.ts";
import { HeldOutput } from "../../held-output.ts";

/** Another user for a server that refuses to run as root. */
export type RunAs = { uid: number; gid: number };

export type ChildOptions = {
  cwd: string;
  env: Record<string, string>;
  runAs?: RunAs;
  timeoutMs?: number;
  signal: AbortSignal;
  stdin?: AsyncIterable<Uint8Array>;
  /** A promise holds the program back until it resolves. */
  onStdout: (chunk: Uint8Array) => void | Promise<void>;
  onStderr: (chunk: Uint8Array) => void;
};

export type ChildOutcome = { exitCode: number; timedOut: boolean };

/** 128 + the signal's number, as a shell reports it. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** Ends a whole process group; nobody left in it is success. */
export function killGroup(group: number, signal: NodeJS.Signals): void {
  sendSignal(-group, signal);
}

/** To a process, or to a group as a negative number; nobody there is success. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * Runs a program in a process group of its own to its end; nothing of the group is left afterwards. Rejects when
 * the program cannot be started (`RUNTIME_START_FAILED`) or with the signal's reason.
 */
export async function runChild(argv: readonly string[], options: ChildOptions): Promise<ChildOutcome> {
  options.signal.throwIfAborted();
  const [command = "", ...args] = argv;
  const child = spawnGroup(command, args, options);
  const refused: unknown[] = [];
  const held = new HeldOutput(child.stdout, options.onStdout, (error) => {
    refused.push(error);
    if (child.pid !== undefined) killGroup(child.pid, "SIGKILL");
  });
  child.stdout.on("data", (chunk: Uint8Array) => held.push(chunk));
  child.stderr.on("data", options.onStderr);
  feed(child, options.stdin).catch(() => child.stdin.destroy());
  // Whoever is slow to take the output must not keep a stopped program's end from being seen.
  const drop = () => held.drop();
  options.signal.addEventListener("abort", drop, { once: true });
  try {
    const outcome = await settle(child, command, options);
    await held.settled();
    if (refused.length > 0) throw refused[0];
    return outcome;
  } finally {
    options.signal.removeEventListener("abort", drop);
  }
}

/** Node tells some failures by an `error` event and throws others, e.g. E2BIG and ETXTBSY. */
function spawnGroup(command: string, args: readonly string[], { cwd, env, runAs }: ChildOptions) {
  try {
    return spawn(command, args, { cwd, env, ...runAs, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  } catch (cause) {
    throw startFailed(command, cause);
  }
}

/** A program that could not be started. */
export function startFailed(command: string, cause: unknown): PlatformError {
  const hint = "Check that the program exists in the image, may be executed, and that its folder is there.";
  return runtimeError("RUNTIME_START_FAILED", `cannot run ${command}: ${messageOf(cause)}`, { hint, cause });
}

function settle(child: ChildProcess, command: string, options: ChildOptions): Promise<ChildOutcome> {
  const { signal } = options;
  const kill = () => {
    if (child.pid !== undefined) killGroup(child.pid, "SIGKILL");
  };
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const onTimeout = () => {
      timedOut = true;
      kill();
    };
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(onTimeout, options.timeoutMs);
    signal.addEventListener("abort", kill, { once: true });
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
    };
    child.on("error", (cause) => {
      end();
      reject(startFailed(command, cause));
    });
    // What the program left running would keep the pipes open.
    child.on("exit", kill);
    child.on("close", (code, killedBy) => {
      end();
      if (signal.aborted && !timedOut) reject(signal.reason);
      else resolve({ exitCode: exitCodeOf(code, killedBy), timedOut });
    });
  });
}

async function feed(child: ChildProcess, input: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  const { stdin } = child;
  if (!stdin) return;
  // A program that ends without reading its input is no error.
  stdin.on("error", () => stdin.destroy());
  for await (const chunk of input ?? []) {
    if (stdin.destroyed) return;
    if (!stdin.write(chunk)) await drained(stdin);
  }
  stdin.end();
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.once("drain", done);
    stream.once("close", done);
  });
}

/** Cuts chunks into lines; `end` gives the last one if it has no newline. */
export function lineSplitter(onLine: (line: string) => void): {
  push: (chunk: Uint8Array) => void;
  end: () => void;
} {
  const decoder = new TextDecoder();
  let rest = "";
  return {
    push: (chunk) => {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line.replace(/\r$/, ""));
    },
    end: () => {
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
