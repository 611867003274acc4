import type { DatabasePlace, ToolOptions, ToolRun } from "../backup/sources/database-place.ts";
import type { ReplicaId } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import { Handover } from "./handover.ts";

export type ReplicaPlaceOptions = {
  name: string;
  environment: Readonly<Record<string, string>>;
  command: readonly string[];
  address?: { host: string; port: number };
  restart: (signal: AbortSignal) => Promise<void>;
};

/** The last of what a tool complains. */
const complaintLength = 8_000;

/**
 * Variables come before the input, a line each and an empty one last: neither an argument, which everybody on the host
 * can read, nor the container's own variables, which outlive the tool, may hold a password.
 */
const withVariables = `while IFS= read -r line && [ -n "$line" ]; do export "$line"; done; exec "$@"`;

/** A running replica of a database, its tools run by the runtime's exec. */
export class ReplicaPlace implements DatabasePlace {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly address?: { host: string; port: number };
  readonly #runtime: Runtime;
  readonly #replica: ReplicaId;
  readonly #restart: ReplicaPlaceOptions["restart"];

  constructor(runtime: Runtime, replica: ReplicaId, options: ReplicaPlaceOptions) {
    this.#runtime = runtime;
    this.#replica = replica;
    this.#restart = options.restart;
    this.name = options.name;
    this.environment = options.environment;
    this.command = options.command;
    if (options.address) this.address = options.address;
  }

  start(argv: readonly string[], options: ToolOptions, signal: AbortSignal): ToolRun {
    const abandoned = new AbortController();
    const stdout = new Handover(() => abandoned.abort(new Error("nobody reads its output any more")));
    const decoder = new TextDecoder();
    let complaint = "";
    const io = {
      tty: false,
      // A tool whose input broke would take it for its end.
      stdin: watched(inputOf(options), (error) => abandoned.abort(error)),
      onStdout: (chunk: Uint8Array) => stdout.push(chunk),
      onStderr: (chunk: Uint8Array) => {
        complaint = (complaint + decoder.decode(chunk, { stream: true })).slice(-complaintLength);
      },
    };
    const whole = AbortSignal.any([signal, abandoned.signal]);
    whole.addEventListener("abort", () => stdout.fail(whole.reason), { once: true });
    const wrapped = ["sh", "-c", withVariables, "sh", ...argv];
    const exitCode = this.#runtime.exec(this.#replica, wrapped, io, whole);
    exitCode.then(
      () => stdout.end(),
      (error: unknown) => stdout.fail(error),
    );
    return { stdout, exitCode, complaint: () => complaint };
  }

  restart(signal: AbortSignal): Promise<void> {
    return this.#restart(signal);
  }
}

async function* watched(
  input: AsyncIterable<Uint8Array>,
  onFailure: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* input;
  } catch (error) {
    onFailure(error);
    throw error;
  }
}

async function* inputOf({ env = {}, stdin }: ToolOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const lines = Object.entries(env).map(([name, value]) => {
    if (/[\n\0]/.test(value)) throw new RangeError(`${name} holds a line break`);
    return `${name}=${value}\n`;
  });
  yield Buffer.from(`${lines.join("")}\n`);
  if (stdin) yield* stdin;
}
