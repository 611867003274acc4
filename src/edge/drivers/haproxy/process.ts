import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Clock } from "../../../lib/clock.ts";
import { run } from "../../../lib/run.ts";
import { applyUnconfirmed, configInvalid, edgeStartFailed, listenFailed } from "../../errors.ts";
import { askSocket } from "./admin-socket.ts";
import type { Layout } from "./layout.ts";
import { type Supervised, startSupervised, stopSupervised } from "./supervised.ts";

const infoLimitMs = 1_000;
const startLimitMs = 10_000;
const reloadLimitMs = 15_000;

/** One HAProxy: its supervisor, its master and its workers. They belong to no control plane. */
export class HaproxyProcess {
  readonly #layout: Layout;
  readonly #program: string;
  readonly #clock: Clock;

  constructor(layout: Layout, options: { program: string; clock: Clock }) {
    this.#layout = layout;
    this.#program = options.program;
    this.#clock = options.clock;
  }

  /** Process id of the worker that serves now, or `undefined` when none answers. */
  async worker(signal?: AbortSignal): Promise<number | undefined> {
    if (!existsSync(this.#layout.adminSocket)) return undefined;
    // A worker that is just starting may take the connection and answer much later.
    const limit = AbortSignal.timeout(infoLimitMs);
    const limited = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    const info = await askSocket(this.#layout.adminSocket, "show info", limited).catch(() => "");
    const pid = /^Pid: (\d+)$/m.exec(info)?.[1];
    return pid === undefined ? undefined : Number(pid);
  }

  /** Workers of earlier reloads that still have connections. */
  async oldWorkers(signal?: AbortSignal): Promise<number[]> {
    const text = await askSocket(this.#layout.masterSocket, "show proc", signal).catch(() => "");
    return parseProcesses(text).old;
  }

  /** Adopts the running HAProxy or starts it with the configuration on disk; resolves with the worker's id. */
  async ensure(signal: AbortSignal): Promise<number> {
    const running = await this.worker(signal);
    if (running !== undefined) return running;
    await startSupervised(this.#supervised);
    const until = this.#clock.now() + startLimitMs;
    while (this.#clock.now() < until) {
      const pid = await this.worker(signal);
      // The master opens its socket only after the worker's.
      if (pid !== undefined && (await this.#masterAnswers(signal))) return pid;
      await this.#clock.sleep(20, signal);
    }
    await this.stop();
    throw await this.#startError();
  }

  async #masterAnswers(signal: AbortSignal): Promise<boolean> {
    const text = await askSocket(this.#layout.masterSocket, "show proc", signal).catch(() => "");
    return parseProcesses(text).workers.length > 0;
  }

  /** Has HAProxy itself read a configuration file. Throws EDGE_CONFIG_INVALID with its words. */
  async check(file: string, signal: AbortSignal): Promise<void> {
    const outcome = await run([this.#program, "-c", "-q", "-f", file], { timeoutMs: 20_000, signal });
    if (outcome.exitCode !== 0) throw configInvalid(alerts(outcome.stderr));
  }

  /** Reloads the configuration on disk; resolves with the new worker's id once it serves, or throws and the old one goes on. */
  async reload(signal: AbortSignal): Promise<number> {
    const { masterSocket } = this.#layout;
    const before = parseProcesses(await askSocket(masterSocket, "show proc", signal));
    const known = new Set([...before.workers, ...before.old]);
    const logged = await this.#logSize();
    await askSocket(masterSocket, "reload", signal).catch(() => "");
    const until = this.#clock.now() + reloadLimitMs;
    while (this.#clock.now() < until) {
      const now = parseProcesses(await askSocket(masterSocket, "show proc", signal).catch(() => ""));
      const fresh = now.workers.find((pid) => !known.has(pid));
      if (fresh !== undefined && (await this.worker(signal)) === fresh) return fresh;
      if (now.failed > before.failed) throw startFailure(await this.#logFrom(logged));
      await this.#clock.sleep(10, signal);
    }
    throw applyUnconfirmed(`no new worker within ${reloadLimitMs / 1000} s of the reload`);
  }

  /** Ends HAProxy and its supervisor, and everything they serve. */
  async stop(): Promise<void> {
    await stopSupervised(this.#supervised, this.#clock);
  }

  get #supervised(): Supervised {
    const { config, masterSocket, supervisorPid, log } = this.#layout;
    // Buffers that one thread gives back are shared instead of returned to malloc, and carry no debugging tag.
    const memory = "-dMglobal,no-tag";
    const argv = [this.#program, memory, "-W", "-f", config, "-S", `${masterSocket},mode,600`];
    return { argv, mark: config, pidFile: supervisorPid, log };
  }

  async #startError() {
    return startFailure(await this.#logFrom(0));
  }

  async #logSize(): Promise<number> {
    return (await readFile(this.#layout.log).catch(() => Buffer.alloc(0))).length;
  }

  async #logFrom(offset: number): Promise<string> {
    const log = await readFile(this.#layout.log).catch(() => Buffer.alloc(0));
    return log.subarray(offset).toString("utf8").slice(-4_000);
  }
}

/** Parses the master's `show proc`. */
export function parseProcesses(text: string): { workers: number[]; old: number[]; failed: number } {
  const found = { workers: [] as number[], old: [] as number[], failed: 0 };
  let section = found.workers;
  for (const line of text.split("\n")) {
    if (line.startsWith("# old workers")) section = found.old;
    const [, pid, type] = /^(\d+)\s+(\S+)/.exec(line) ?? [];
    if (type === "worker") section.push(Number(pid));
    if (type === "master") found.failed = Number(/\[failed: (\d+)\]/.exec(line)?.[1] ?? 0);
  }
  return found;
}

function startFailure(log: string) {
  const said = alerts(log);
  const address = /cannot bind (?:UNIX )?socket(?: \(([^)]*)\))?.*?\[([^\]]+)\]/.exec(said.join("\n"));
  if (address) return listenFailed(address[2] ?? "", address[1] ?? "cannot bind");
  return edgeStartFailed(said.join("; ") || "HAProxy gave no reason");
}

/** HAProxy's complaints, without its decoration. */
function alerts(text: string): string[] {
  return [
    ...new Set([...text.matchAll(/^\[ALERT\]\s+\(\d+\) : (.*)$/gm)].map(([, words]) => words ?? "")),
  ].slice(-5);
}
