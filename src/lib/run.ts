import { spawn } from "node:child_process";
import { PlatformError } from "./platform-error.ts";

export type RunOptions = {
  cwd?: string;
  env?: Record<string, string>;
  /** Runs as another user; only root may. */
  uid?: number;
  gid?: number;
  input?: string;
  /** The child is killed after this long. */
  timeoutMs: number;
  /** Output beyond this many characters a stream is dropped from the front. @default 1_000_000 */
  maxOutput?: number;
  signal?: AbortSignal;
  onLine?: (line: string, stream: "stdout" | "stderr") => void;
};

export type RunOutcome = { exitCode: number; stdout: string; stderr: string };

/** Runs one program from an argv array (never a shell string) with a time limit; a non-zero exit is an outcome, not an exception. */
export function run(argv: readonly [string, ...string[]], options: RunOptions): Promise<RunOutcome> {
  const [command, ...args] = argv;
  const limit = options.maxOutput ?? 1_000_000;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
    });
    const collected = { stdout: "", stderr: "" };
    const pending = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8");
      child[name].on("data", (chunk: string) => {
        collected[name] = (collected[name] + chunk).slice(-limit);
        if (!options.onLine) return;
        const lines = (pending[name] + chunk).split("\n");
        pending[name] = lines.pop() ?? "";
        for (const line of lines) options.onLine(line, name);
      });
    }
    child.stdin.on("error", () => child.stdin.destroy());
    child.stdin.end(options.input ?? "");
    child.on("error", (cause) =>
      reject(
        new PlatformError("RUN_FAILED", `cannot run ${command}`, {
          cause,
          hint: `Is ${command} installed and on PATH?`,
        }),
      ),
    );
    child.on("close", (code, killedBy) => {
      for (const name of ["stdout", "stderr"] as const) {
        if (pending[name] !== "") options.onLine?.(pending[name], name);
      }
      if (killedBy === "SIGKILL" && !options.signal?.aborted) {
        reject(new PlatformError("RUN_TIMED_OUT", `${command} did not end within ${options.timeoutMs} ms`));
        return;
      }
      resolve({ exitCode: code ?? 128, stdout: collected.stdout, stderr: collected.stderr });
    });
  });
}
