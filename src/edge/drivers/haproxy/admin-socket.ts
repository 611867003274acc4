import { connect } from "node:net";
import { edgeUnreachable } from "../../errors.ts";

/** HAProxy cuts a command line at its buffer of 16 KiB, and a payload too. */
const longestCommand = 8_000;
const answerTimeoutMs = 5_000;

/**
 * Sends commands to one of HAProxy's sockets and returns the text of the answer (management guide, 9.3). A command
 * with a payload (`<<`) must be alone. Throws EDGE_UNREACHABLE.
 */
export function askSocket(path: string, command: string, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const chunks: Buffer[] = [];
    const stop = (cause: unknown) => {
      socket.destroy();
      reject(signal?.aborted ? signal.reason : edgeUnreachable(cause));
    };
    const onAbort = () => stop(signal?.reason);
    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.setTimeout(answerTimeoutMs, () => stop(new Error(`no answer within ${answerTimeoutMs} ms`)));
    socket.on("error", stop);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", () => {
      signal?.removeEventListener("abort", onAbort);
      resolve(Buffer.concat(chunks).toString("utf8"));
    });
    // The master's socket answers and stays open until the asking side is done.
    socket.end(`${command}\n`);
  });
}

/** Joins commands to as few lines as fit; those with a payload stay alone. */
export function batches(commands: readonly string[]): string[] {
  const lines: string[] = [];
  let line = "";
  const flush = () => {
    if (line !== "") lines.push(line);
    line = "";
  };
  for (const command of commands) {
    const alone = command.includes("\n");
    if (alone || line.length + command.length > longestCommand) flush();
    if (alone) lines.push(command);
    else line = line === "" ? command : `${line};${command}`;
  }
  flush();
  return lines;
}

/** Cuts payload lines into pieces that HAProxy takes. */
export function payloads(lines: readonly string[]): string[] {
  const pieces: string[] = [];
  let piece = "";
  for (const line of lines) {
    if (piece.length + line.length > longestCommand) {
      pieces.push(piece);
      piece = "";
    }
    piece += `${line}\n`;
  }
  if (piece !== "") pieces.push(piece);
  return pieces;
}
