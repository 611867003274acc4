import { z } from "zod";

/**
 * The exec WebSocket. The caller's first message is text: an `ExecRequest`. After it all messages are binary, the first
 * byte saying what follows. The server ends with one `exit` or `error` frame and closes.
 */
export const execRequestSchema = z.object({
  service: z.string().min(1).max(63),
  /** Absent: a ready replica of the current release. */
  replica: z.string().min(1).max(200).exactOptional(),
  argv: z.array(z.string()).min(1).max(1000),
  tty: z.boolean().default(false),
});
export type ExecRequest = z.input<typeof execRequestSchema>;

export const execChannel = { stdin: 0, stdout: 1, stderr: 2, exit: 3, error: 4, stdinEnd: 5 } as const;

export type ExecFrame =
  | { kind: "stdin" | "stdout" | "stderr"; bytes: Uint8Array }
  | { kind: "stdinEnd" }
  | { kind: "exit"; exitCode: number }
  /** The API's error object. */
  | { kind: "error"; error: { code: string; message: string; hint?: string } };

const frameErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().exactOptional(),
});

export function encodeExecFrame(frame: ExecFrame): Uint8Array {
  switch (frame.kind) {
    case "stdin":
    case "stdout":
    case "stderr":
      return withChannel(execChannel[frame.kind], frame.bytes);
    case "stdinEnd":
      return withChannel(execChannel.stdinEnd, new Uint8Array());
    case "exit":
      return withChannel(execChannel.exit, new TextEncoder().encode(String(frame.exitCode)));
    case "error":
      return withChannel(execChannel.error, new TextEncoder().encode(JSON.stringify(frame.error)));
  }
}

/** `undefined` for a frame that is none: the receiver closes the connection. */
export function decodeExecFrame(message: Uint8Array): ExecFrame | undefined {
  const bytes = message.subarray(1);
  switch (message[0]) {
    case execChannel.stdin:
      return { kind: "stdin", bytes };
    case execChannel.stdout:
      return { kind: "stdout", bytes };
    case execChannel.stderr:
      return { kind: "stderr", bytes };
    case execChannel.stdinEnd:
      return { kind: "stdinEnd" };
    case execChannel.exit: {
      const exitCode = Number(new TextDecoder().decode(bytes));
      return Number.isInteger(exitCode) ? { kind: "exit", exitCode } : undefined;
    }
    case execChannel.error:
      return decodeError(bytes);
    default:
      return undefined;
  }
}

function decodeError(bytes: Uint8Array): ExecFrame | undefined {
  try {
    const parsed = frameErrorSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? { kind: "error", error: parsed.data } : undefined;
  } catch {
    return undefined;
  }
}

function withChannel(channel: number, bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(bytes.length + 1);
  message[0] = channel;
  message.set(bytes, 1);
  return message;
}
