import type { Readable } from "node:stream";

/**
 * Everything that the CLI takes from its process, passed in so that a test can run a command without one.
 * Results go to `stdout`, text for people about the work (progress, hints, errors) to `stderr`.
 */
export type CliContext = {
  stdout: Output;
  stderr: Output;
  stdin: Readable & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown };
  env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  cwd: string;
  now: () => number;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  isRoot: boolean;
  homeFolder: string;
  version: string;
  /** How the user calls this program, for hints that can be copied. */
  command: string;
  /** Runs this program from anywhere; the arguments follow. */
  self: readonly [string, ...string[]];
  /** Starts the control plane; the arguments follow. */
  controlPlane: readonly [string, ...string[]];
  /** Brings the home of a lost control plane back; the arguments follow. */
  recoverHome: readonly [string, ...string[]];
  /** Folder of compiled modules that set-up filled; absent when this user may not write there. */
  compileCache?: string;
  /** Folder of the demonstration stack. */
  demoFolder: string;
};

export type Output = {
  write: (text: string) => unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
};

/** Colour only for a terminal, and never against https://no-color.org or `TERM=dumb`; `FORCE_COLOR` wins over both. */
export function wantsColor(output: Output, env: CliContext["env"]): boolean {
  if (env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0") return true;
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return false;
  return output.isTTY === true && env["TERM"] !== "dumb";
}

/** Someone can be asked: both the question and the answer have a terminal. */
export function canAsk(context: CliContext): boolean {
  return context.stdin.isTTY === true && context.stderr.isTTY === true;
}
