import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { delimiter, join } from "node:path";

export type Ports = { http: number; https: number };
export type Started = {
  stop: () => Promise<void>;
  ended?: Promise<number>;
  /** The end of what it wrote to stderr. */
  said?: () => string;
  /** What a reader must know about how it ran. */
  detail?: string;
};

const startLimitMs = 15_000;

/** Starts a program and, with a port, waits until it listens there. */
export async function startProgram(
  argv: readonly string[],
  port?: number,
  env: Record<string, string> = {},
): Promise<Started> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said = (said + chunk).slice(-2000);
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 128));
  });
  if (port !== undefined) {
    const early = ended.then((code) => {
      throw new Error(`${command} ended with ${code}: ${said}`);
    });
    await Promise.race([waitForPort(port), early]);
    early.catch(() => undefined);
  }
  return { stop: () => stop(child, ended), ended, said: () => said };
}

async function stop(child: ChildProcess, ended: Promise<number>): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}

/** Ends a process that is not a child of this one, with the time to end its own children. */
export async function endProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  const deadline = Date.now() + startLimitMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} does not end`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export async function waitForPort(port: number): Promise<void> {
  const deadline = Date.now() + startLimitMs;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("connect", () => resolve(socket.destroy() !== undefined));
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    if (Date.now() > deadline) throw new Error(`nothing listens on ${port} after ${startLimitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A program on PATH or in ROADSTEAD_BENCH_BIN, where programs that no package carries are put. */
export function findProgram(name: string): string {
  const folders = [process.env["ROADSTEAD_BENCH_BIN"] ?? "", ...(process.env["PATH"] ?? "").split(delimiter)];
  for (const folder of folders.filter((candidate) => candidate !== "")) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder; the next may have it.
    }
  }
  throw new Error(`${name} is not installed: put it on PATH or into the folder ROADSTEAD_BENCH_BIN`);
}

/** That many ports, all free a moment ago: held together, so that none comes twice. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
