import { text as textOf } from "node:stream/consumers";
import { WebSocket } from "ws";
import { PlatformError } from "../../lib/platform-error.ts";
import type { ClientOptions } from "./client.ts";
import { urlOf } from "./client.ts";
import { ApiError, errorOf, unreachable } from "./client-error.ts";
import { decodeExecFrame, type ExecFrame, type ExecRequest, encodeExecFrame } from "./exec-frames.ts";
import { operateEndpoints } from "./operate.ts";

export type ExecOptions = {
  params: { stack: string; environment: string };
  request: ExecRequest;
  /** Absent: the command reads an empty input. */
  stdin?: AsyncIterable<Uint8Array>;
  onStdout: (chunk: Uint8Array) => void;
  onStderr: (chunk: Uint8Array) => void;
  signal?: AbortSignal;
};

/**
 * Runs a command in a replica and resolves with its exit code. Errors: `ApiError` as the server says it,
 * `API_UNREACHABLE`, `API_EXEC_LOST` when the connection ended before the command did; the signal's reason.
 */
export function exec(
  client: Pick<ClientOptions, "baseUrl" | "token">,
  options: ExecOptions,
): Promise<number> {
  const url = urlOf(client.baseUrl, operateEndpoints.exec, { params: options.params }).replace(/^http/, "ws");
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    headers: client.token === undefined ? {} : { authorization: `Bearer ${client.token}` },
  });
  return new Promise((resolve, reject) => {
    const onAbort = () => fail(options.signal?.reason);
    const fail = (error: unknown) => {
      options.signal?.removeEventListener("abort", onAbort);
      socket.terminate();
      reject(error);
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted) onAbort();
    socket.on("open", () => {
      socket.send(JSON.stringify(options.request));
      sendInput(socket, options.stdin).catch(fail);
    });
    socket.on("unexpected-response", (_request, response) => {
      textOf(response)
        .then((text) => errorOf(new Response(text, { status: response.statusCode ?? 500 })))
        .then(fail, fail);
    });
    socket.on("error", (error) => fail(unreachable(client.baseUrl, error)));
    socket.on("close", () => fail(lost()));
    socket.on("message", (data: Buffer) => {
      const frame = decodeExecFrame(data);
      if (frame?.kind === "exit") resolve(frame.exitCode);
      else if (frame) receive(frame, options, fail);
      else fail(new PlatformError("API_EXEC_LOST", "the control plane sent an unknown frame"));
    });
  });
}

function receive(frame: ExecFrame, options: ExecOptions, fail: (error: unknown) => void): void {
  if (frame.kind === "stdout") options.onStdout(frame.bytes);
  else if (frame.kind === "stderr") options.onStderr(frame.bytes);
  else if (frame.kind === "error") fail(new ApiError(200, { ...frame.error, requestId: "" }));
}

async function sendInput(socket: WebSocket, stdin: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  const send = (frame: ExecFrame) =>
    new Promise<void>((resolve) => {
      // The outcome of a connection that went away is told by its close event.
      socket.send(encodeExecFrame(frame), () => resolve());
    });
  if (stdin)
    for await (const bytes of stdin) {
      if (socket.readyState !== socket.OPEN) return;
      await send({ kind: "stdin", bytes });
    }
  await send({ kind: "stdinEnd" });
}

function lost(): PlatformError {
  return new PlatformError("API_EXEC_LOST", "the connection ended before the command did", {
    hint: "The control plane may have been restarted; the command was ended with it.",
  });
}
