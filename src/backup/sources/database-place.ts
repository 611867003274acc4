import { messageOf } from "../../lib/platform-error.ts";
import { backupError } from "../errors.ts";

/**
 * A running replica of a database, in which the database's own tools can be run. Its caller knows where: in the
 * container with the tools of the image, or beside the process with those of the host.
 */
export interface DatabasePlace {
  /** For messages, e.g. `shop/production/db`. */
  readonly name: string;
  /** Variables of the service, as its release has them; the server's set-up and its passwords stand there. */
  readonly environment: Readonly<Record<string, string>>;
  /** Command of the service; Redis's password may stand there. */
  readonly command: readonly string[];
  /** Where tools reach the server, if not where they look by themselves. */
  readonly address?: { host: string; port: number };
  /**
   * Starts a tool. Its output is pulled: a tool whose output is not read waits. A consumer that stops reading ends it.
   * Values of `env` never stand in an argument.
   */
  start(argv: readonly string[], options: ToolOptions, signal: AbortSignal): ToolRun;
  /** Starts the server again on what lies in its folder, after it was shut down. Waits until it is ready. */
  restart(signal: AbortSignal): Promise<void>;
}

export type ToolOptions = {
  env?: Readonly<Record<string, string>>;
  stdin?: AsyncIterable<Uint8Array>;
};

export type ToolRun = {
  stdout: AsyncIterable<Uint8Array>;
  /** Resolves with the exit code, once the output has been read to its end. */
  exitCode: Promise<number>;
  /** The last words on the error stream so far. */
  complaint: () => string;
};

/** More than any answer that is wanted whole. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Runs a tool to its end and gives its whole output, which must be short. Throws BACKUP_SOURCE_FAILED for an exit code but 0. */
export async function answerOf(
  place: DatabasePlace,
  argv: readonly string[],
  options: ToolOptions,
  signal: AbortSignal,
): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of outputOf(place, argv, options, signal)) {
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) throw toolFailed(place, argv, "its answer is too long");
    pieces.push(chunk);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** The output of a tool as it comes. Throws at its end when the tool failed. */
export async function* outputOf(
  place: DatabasePlace,
  argv: readonly string[],
  options: ToolOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const run = place.start(argv, options, signal);
  run.exitCode.catch(() => undefined);
  yield* run.stdout;
  const exitCode = await run.exitCode;
  if (exitCode !== 0) throw toolFailed(place, argv, run.complaint(), exitCode);
}

/** Feeds a tool; its own output is not wanted. */
export async function feed(
  place: DatabasePlace,
  argv: readonly string[],
  options: ToolOptions,
  signal: AbortSignal,
): Promise<void> {
  for await (const _chunk of outputOf(place, argv, options, signal)) signal.throwIfAborted();
}

/** What a tool said, without rows of the database that servers quote in details. */
export function toolFailed(
  place: DatabasePlace,
  argv: readonly string[],
  complaint: string,
  exitCode?: number,
): Error {
  const tool = argv[0]?.split("/").at(-1) ?? "";
  if (exitCode === 126 || exitCode === 127)
    return backupError("BACKUP_TOOL_MISSING", `${place.name} has no ${tool}`, {
      hint: "Use an image with the tools of its server, or install them on this host for processes.",
    });
  const words = complaint
    .split("\n")
    .filter(
      (line) => /\S/.test(line) && !/^\s*(DETAIL|CONTEXT|STATEMENT|QUERY|Command was|LINE \d)/i.test(line),
    )
    .slice(0, 4)
    .join(" ")
    .slice(0, 500);
  const end = words === "" ? `it ended with exit code ${exitCode ?? "?"}` : words;
  return backupError("BACKUP_SOURCE_FAILED", `${tool} of ${place.name}: ${end}`);
}

/** The value of a variable, or of the file that `<name>_FILE` names, as the entrypoints of database images read it. */
export async function settingOf(
  place: DatabasePlace,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const name of names) {
    const value = place.environment[name];
    if (value !== undefined && value !== "") return value;
    const file = place.environment[`${name}_FILE`];
    if (file === undefined || file === "") continue;
    const content = await answerOf(place, ["cat", file], {}, signal).catch((cause) => {
      throw backupError("BACKUP_SOURCE_FAILED", `cannot read ${name}_FILE: ${messageOf(cause)}`, { cause });
    });
    return content.replace(/\r?\n$/, "");
  }
  return undefined;
}

export async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text);
}
