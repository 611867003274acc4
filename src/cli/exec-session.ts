import { apiPrefix } from "../api/contract/endpoint.ts";
import { decodeExecFrame, type ExecRequest, encodeExecFrame } from "../api/contract/exec-frames.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Invocation } from "./define-command.ts";
import { CliError } from "./errors.ts";
import type { ExitCode } from "./exit-code.ts";
import { errStyle, printJson, say } from "./terminal.ts";

/** Node's WebSocket takes headers, which the standard (and so the type) does not know. */
type SocketOptions = { headers: Record<string, string> };

/** Runs argv inside a replica over the API's WebSocket, passing stdin and both outputs through until it ends. */
export async function runInReplica(
  invocation: Invocation,
  scope: Scope,
  service: string,
  argv: readonly string[],
): Promise<ExitCode> {
  const { context, settings, options } = invocation;
  const tty = options.notDisabled("tty") && context.stdin.isTTY === true && context.stdout.isTTY === true;
  const replica = options.text("replica");
  const request: ExecRequest = {
    service,
    argv: [...argv],
    tty,
    ...(replica === undefined ? {} : { replica }),
  };
  const path = `${apiPrefix}/stacks/${encodeURIComponent(scope.stack)}/${encodeURIComponent(scope.environment)}/exec`;
  const headers: Record<string, string> =
    settings.token === undefined ? {} : { authorization: `Bearer ${settings.token}` };
  const init: SocketOptions = { headers };
  const socket = new WebSocket(`${settings.host.replace(/^http/, "ws")}${path}`, init as unknown as string[]);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    socket.send(JSON.stringify(request));
    passStdin(invocation, socket, tty);
  });
  try {
    return await untilExit(invocation, socket);
  } finally {
    if (tty) context.stdin.setRawMode?.(false);
    context.stdin.pause();
    socket.close();
  }
}

function passStdin({ context }: Invocation, socket: WebSocket, tty: boolean): void {
  const send = (frame: Uint8Array) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(new Uint8Array(frame));
  };
  if (tty) context.stdin.setRawMode?.(true);
  context.stdin.on("data", (chunk: Buffer | string) =>
    send(encodeExecFrame({ kind: "stdin", bytes: Buffer.from(chunk) })),
  );
  context.stdin.on("end", () => send(encodeExecFrame({ kind: "stdinEnd" })));
}

function untilExit(invocation: Invocation, socket: WebSocket): Promise<ExitCode> {
  const { context, json } = invocation;
  return new Promise((resolve, reject) => {
    const write = (stream: "stdout" | "stderr", bytes: Uint8Array) => {
      const text = Buffer.from(bytes).toString("utf8");
      if (json) printJson(context, { stream, text });
      else context[stream].write(text);
    };
    context.signal.addEventListener("abort", () => resolve(130), { once: true });
    socket.addEventListener("error", () => reject(noSession("the session could not be opened")));
    socket.addEventListener("close", () => reject(noSession("the session ended without an exit code")));
    socket.addEventListener("message", (event: MessageEvent) => {
      const data: unknown = event.data;
      const frame = data instanceof ArrayBuffer ? decodeExecFrame(new Uint8Array(data)) : undefined;
      if (frame?.kind === "stdout" || frame?.kind === "stderr") write(frame.kind, frame.bytes);
      else if (frame?.kind === "exit") resolve(ended(invocation, frame.exitCode));
      else if (frame?.kind === "error") reject(refused(frame.error));
    });
  });
}

function ended({ context, json }: Invocation, exitCode: number): ExitCode {
  if (json) printJson(context, { exitCode });
  if (exitCode === 0) return 0;
  say(context, errStyle(context).dim(`the command ended with exit code ${exitCode}`));
  return 1;
}

function refused(error: { code: string; message: string; hint?: string }): CliError {
  return new CliError(error.code, error.message, {
    exitCode: /NOT_FOUND|UNKNOWN/.test(error.code) ? 3 : 1,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

function noSession(message: string): CliError {
  return new CliError("CLI_EXEC_FAILED", message, {
    exitCode: 1,
    hint: "Is the token right, and does the replica still run? See roadstead ps.",
  });
}
