import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { PlatformError } from "../../lib/platform-error.ts";
import { edgeStartFailed, edgeUnreachable } from "../errors.ts";
import type { DrainOutcome, Edge, EdgeConfig, EdgeObserved, ServedRequest, TargetId } from "../port.ts";
import { followAccessLog } from "../proxy/follow-access-log.ts";

const startLimitMs = 20_000;

/** The embedded edge as a driver: a client of the admin socket of the process that `bin/edge.ts` runs. */
export class EmbeddedEdge implements Edge {
  readonly name = "embedded";
  readonly #socketPath: string;
  readonly #accessLog: string;

  constructor(home: string) {
    this.#accessLog = join(home, "edge", "access.log");
    this.#socketPath = join(home, "edge", "admin.sock");
  }

  async apply(config: EdgeConfig, version: number, signal: AbortSignal): Promise<void> {
    await this.#call("PUT", "/config", signal, { config, version });
  }

  async observe(signal: AbortSignal): Promise<EdgeObserved> {
    return (await this.#call("GET", "/observe", signal)) as EdgeObserved;
  }

  async drain(target: TargetId, deadlineSeconds: number, signal: AbortSignal): Promise<DrainOutcome> {
    return (await this.#call("POST", "/drain", signal, { target, deadlineSeconds })) as DrainOutcome;
  }

  /** Who serves: process id and the version in force. */
  async health(signal: AbortSignal): Promise<{ pid: number; version: number; workers: number }> {
    return (await this.#call("GET", "/health", signal)) as { pid: number; version: number; workers: number };
  }

  requests(onRequest: (request: ServedRequest) => void, signal: AbortSignal): void {
    void followAccessLog(this.#accessLog, onRequest, signal);
  }

  async close(): Promise<void> {
    // Every call has a connection of its own; nothing is held.
  }

  #call(method: string, path: string, signal: AbortSignal, body?: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => reject(signal.aborted ? signal.reason : edgeUnreachable(cause));
      const options = { socketPath: this.#socketPath, method, path, signal, agent: false as const };
      const sent = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", fail);
        response.on("end", () => {
          const value = JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
          if (response.statusCode === 200) resolve(value);
          else reject(errorFrom(value));
        });
      });
      sent.on("error", fail);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/**
 * The edge of a home folder: the one that runs, else a new process that outlives this one.
 * @param argv what starts `bin/edge.ts` (node, script, options); `--home` is added.
 * @throws EDGE_START_FAILED
 */
export async function startEmbeddedEdge(options: {
  home: string;
  argv: readonly [string, ...string[]];
  signal?: AbortSignal;
}): Promise<EmbeddedEdge> {
  const edge = new EmbeddedEdge(options.home);
  if (await answers(edge)) return edge;
  const folder = join(options.home, "edge");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const log = await open(join(folder, "edge.log"), "a", 0o600);
  const [command, ...args] = options.argv;
  const child = spawn(command, [...args, "--home", options.home], {
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    // From its second start on the edge loads compiled code and leaves the TypeScript stripper out: 65 MB instead
    // of 100 MB a process.
    env: { NODE_COMPILE_CACHE: join(folder, "compile-cache"), ...process.env },
  });
  let ended: string | undefined;
  child.on("error", (error) => {
    ended = error.message;
  });
  child.on("exit", (code) => {
    ended = `it ended with code ${code}`;
  });
  child.unref();
  try {
    const limit = performance.now() + startLimitMs;
    for (;;) {
      options.signal?.throwIfAborted();
      if (await answers(edge)) return edge;
      if (ended !== undefined) throw edgeStartFailed(ended);
      if (performance.now() > limit) throw edgeStartFailed(`no answer within ${startLimitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  } finally {
    child.removeAllListeners("exit");
    await log.close();
  }
}

/** True when an edge answers and its workers run. */
async function answers(edge: EmbeddedEdge): Promise<boolean> {
  try {
    return (await edge.health(AbortSignal.timeout(2_000))).workers > 0;
  } catch {
    return false;
  }
}

function errorFrom(value: unknown): PlatformError {
  const { code, message, hint } = value as { code: string; message: string; hint?: string };
  return new PlatformError(code, message, hint === undefined ? {} : { hint });
}
