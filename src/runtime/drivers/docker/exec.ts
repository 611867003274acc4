import type { Socket } from "node:net";
import { runtimeError } from "../../errors.ts";
import { HeldOutput } from "../../held-output.ts";
import type { ExecIo } from "../../port.ts";
import { refusedWith } from "./client.ts";
import type { ExecInspect } from "./engine-types.ts";
import { FrameReader } from "./frames.ts";
import type { DockerHost } from "./host.ts";
import { defined } from "./limits.ts";

export type ExecRequest = {
  container: string;
  argv: readonly string[];
  io: ExecIo;
  /** As somebody else, elsewhere, with more variables; by default as the container's own program. */
  as?: {
    user?: string;
    workingDirectory?: string;
    environment?: Readonly<Record<string, string>>;
    privileged?: boolean;
  };
};

/** After the output has ended the engine needs a moment to record the exit code. */
const exitCodePolls = 50;
const exitCodePollMs = 20;

/**
 * Runs argv in a running container and resolves with its exit code. When the signal fires, the process is killed:
 * the engine has no call for that, but tells its number on this host.
 */
export async function execInContainer(
  host: DockerHost,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<number> {
  const { io } = request;
  const id = await createExec(host, request, signal);
  const { socket, head } = await host.client.hijack({
    method: "POST",
    path: `/exec/${id}/start`,
    body: { Detach: false, Tty: io.tty },
    signal,
  });
  const stop = () => socket.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const ended = readOutput({ socket, head, io }, signal);
    const sent = io.stdin === undefined ? socket.end() : sendInput(socket, io.stdin);
    // A program may end without reading all of its input: its end counts. An input that breaks ends the program.
    await Promise.race([ended, Promise.resolve(sent).then(() => ended)]);
    signal.throwIfAborted();
    return await exitCodeOf(host, id, signal);
  } catch (error) {
    await killExec(host, id);
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

async function createExec(
  host: DockerHost,
  { container, argv, io, as }: ExecRequest,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { Id } = await host.client.json<{ Id: string }>({
      method: "POST",
      path: `/containers/${container}/exec`,
      body: {
        Cmd: argv,
        Tty: io.tty,
        AttachStdin: io.stdin !== undefined,
        AttachStdout: true,
        AttachStderr: true,
        ...defined({
          User: as?.user,
          WorkingDir: as?.workingDirectory,
          Privileged: as?.privileged,
          Env: as?.environment && Object.entries(as.environment).map(([name, value]) => `${name}=${value}`),
        }),
      },
      signal,
    });
    return Id;
  } catch (error) {
    if (refusedWith(error, 409)) {
      throw runtimeError("RUNTIME_REPLICA_NOT_RUNNING", "the replica does not run", { cause: error });
    }
    if (refusedWith(error, 404)) {
      throw runtimeError("RUNTIME_REPLICA_MISSING", "the replica is gone", { cause: error });
    }
    throw error;
  }
}

/** Resolves when the engine has closed its side, or the connection broke: the exit code then tells the rest. */
async function readOutput(
  { socket, head, io }: { socket: Socket; head: Buffer; io: ExecIo },
  signal: AbortSignal,
): Promise<void> {
  const refused: unknown[] = [];
  const held = new HeldOutput(socket, io.onStdout, (error) => {
    refused.push(error);
    socket.destroy();
  });
  // Who is slow to take the output must not keep a stopped program alive.
  const drop = () => held.drop();
  signal.addEventListener("abort", drop, { once: true });
  const frames = new FrameReader((stream, payload) => {
    if (stream === "stderr") io.onStderr(payload);
    else held.push(payload);
  });
  await new Promise<void>((resolve) => {
    const take = (chunk: Buffer) => (io.tty ? held.push(chunk) : frames.push(chunk));
    if (head.length > 0) take(head);
    socket.on("data", take);
    socket.once("end", () => resolve());
    socket.once("error", () => resolve());
    socket.once("close", () => resolve());
  });
  if (refused.length === 0 && !socket.errored) await held.settled();
  signal.removeEventListener("abort", drop);
  if (refused.length > 0) throw refused[0];
}

async function sendInput(socket: Socket, input: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of input) {
      if (socket.destroyed) return;
      if (!socket.write(chunk)) {
        await roomIn(socket);
      }
    }
  } finally {
    socket.end();
  }
}

/** Resolves when more can be written, or nothing can any more. Leaves no listener: a restore waits thousands of times. */
function roomIn(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.once("drain", done);
    socket.once("close", done);
  });
}

async function exitCodeOf(host: DockerHost, id: string, signal: AbortSignal): Promise<number> {
  for (let poll = 0; poll < exitCodePolls; poll += 1) {
    const exec = await inspectExec(host, id, signal);
    if (!exec.Running && exec.ExitCode !== null) return exec.ExitCode;
    await host.clock.sleep(exitCodePollMs, signal);
  }
  throw runtimeError("RUNTIME_UNREACHABLE", "the engine did not record the command's exit code");
}

async function inspectExec(host: DockerHost, id: string, signal: AbortSignal): Promise<ExecInspect> {
  return await host.client.json({ method: "GET", path: `/exec/${id}/json`, signal });
}

async function killExec(host: DockerHost, id: string): Promise<void> {
  try {
    const exec = await inspectExec(host, id, AbortSignal.timeout(5_000));
    if (exec.Running && exec.Pid > 1) process.kill(exec.Pid, "SIGKILL");
  } catch {
    // Already ended, or the engine's processes are not ours to see: the container's end takes it along.
  }
}
