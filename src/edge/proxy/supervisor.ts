import cluster, { type Worker } from "node:cluster";
import { randomBytes } from "node:crypto";
import { readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { applyUnconfirmed, versionRefused } from "../errors.ts";
import type { DrainOutcome, EdgeConfig, EdgeObserved } from "../port.ts";
import { sumCounters } from "./counters.ts";
import { type FromWorker, fromWire, logLine, type Order, type ToWorker } from "./messages.ts";

const orderLimitMs = 15_000;
const logLimitBytes = 32 * 1024 * 1024;

type Pending = { resolve: (value: unknown) => void; reject: (error: unknown) => void };
type Saved = { version: number; config: EdgeConfig };

/** The edge's first process: keeps workers alive and on one configuration, which it keeps on disk. */
export class Supervisor {
  readonly #home: string;
  readonly #count: number;
  readonly #ticketKeys = randomBytes(48).toString("base64");
  readonly #workers = new Set<Worker>();
  readonly #pending = new Map<Worker, Map<number, Pending>>();
  #current: Saved | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #nextId = 0;
  #stopping = false;
  #deaths = 0;

  constructor(home: string, workers: number) {
    this.#home = home;
    this.#count = workers;
  }

  get version(): number {
    return this.#current?.version ?? 0;
  }

  get workers(): number {
    return this.#workers.size;
  }

  /** Starts the workers on the configuration of the last run, if there is one. */
  async start(): Promise<void> {
    this.#current = await readSaved(this.#configPath());
    cluster.on("exit", (worker) => this.#exited(worker));
    await Promise.all(Array.from({ length: this.#count }, () => this.#fork()));
    setInterval(() => void this.#rotate(), 5_000).unref();
  }

  /** All workers take over the configuration, or none does. */
  apply(config: EdgeConfig, version: number): Promise<void> {
    return this.#serial(async () => {
      if (version < this.version) throw versionRefused(version, this.version);
      const workers = [...this.#workers];
      if (workers.length === 0) throw applyUnconfirmed("no worker runs");
      try {
        for (const worker of workers) await this.#ask(worker, { kind: "prepare", config, version });
        await writeFileAtomic(this.#configPath(), JSON.stringify({ version, config } satisfies Saved));
      } catch (error) {
        await Promise.allSettled(workers.map((worker) => this.#ask(worker, { kind: "rollBack" })));
        throw error;
      }
      // From here a worker that dies comes back with the new configuration.
      this.#current = { version, config };
      const outcomes = await Promise.allSettled(
        workers.map((worker) => this.#ask(worker, { kind: "commit" })),
      );
      const stuck = outcomes.some(
        (outcome, at) => outcome.status === "rejected" && workers[at]?.isConnected(),
      );
      if (stuck) throw applyUnconfirmed("a worker did not answer");
    });
  }

  async observe(): Promise<EdgeObserved> {
    const parts = await this.#all<EdgeObserved>({ kind: "observe" });
    const { config, version } = this.#current ?? { version: 0 };
    return {
      version,
      backends: (config?.backends ?? []).map(({ id, hold, targets }) => ({
        id,
        hold,
        targets: targets.map((target) => ({ id: target.id, weight: target.weight })),
      })),
      counters: sumCounters(parts.map((part) => part.counters)),
    };
  }

  async drain(target: string, deadlineSeconds: number): Promise<DrainOutcome> {
    const limitMs = deadlineSeconds * 1000;
    const parts = await this.#all<DrainOutcome>({ kind: "drain", target, limitMs }, limitMs + orderLimitMs);
    return {
      drained: parts.every((part) => part.drained),
      closedConnections: parts.reduce((sum, part) => sum + part.closedConnections, 0),
    };
  }

  /** Lets requests end, at most this long, and ends the workers. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping = true;
    const order: Order = { kind: "stop", limitMs };
    await Promise.allSettled([...this.#workers].map((worker) => this.#ask(worker, order, limitMs + 5_000)));
    for (const worker of this.#workers) worker.process.kill("SIGKILL");
  }

  async #all<T>(order: Order, limitMs = orderLimitMs): Promise<T[]> {
    return (await Promise.all([...this.#workers].map((worker) => this.#ask(worker, order, limitMs)))) as T[];
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #fork(): Promise<void> {
    const worker = cluster.fork();
    this.#pending.set(worker, new Map());
    await new Promise<void>((resolve) => {
      worker.on("message", (message: FromWorker) => {
        if (message.kind === "ready") resolve();
        else this.#heard(worker, message);
      });
      worker.once("exit", () => resolve());
    });
    // In line with `apply`, so that a new worker never misses a configuration.
    await this.#serial(async () => {
      try {
        await this.#ask(worker, { kind: "start", ticketKeys: this.#ticketKeys, home: this.#home });
        if (this.#current) {
          await this.#ask(worker, { kind: "prepare", ...this.#current });
          await this.#ask(worker, { kind: "commit" });
        }
        this.#workers.add(worker);
      } catch (error) {
        logLine("worker did not start", { detail: error instanceof Error ? error.message : String(error) });
        worker.process.kill("SIGKILL");
      }
    });
  }

  #exited(worker: Worker): void {
    this.#workers.delete(worker);
    for (const { reject } of this.#pending.get(worker)?.values() ?? [])
      reject(applyUnconfirmed("a worker died"));
    this.#pending.delete(worker);
    if (this.#stopping) return;
    this.#deaths += 1;
    logLine("worker died", { worker: worker.process.pid, deaths: this.#deaths });
    setTimeout(() => void this.#fork(), Math.min(this.#deaths * 50, 2_000));
  }

  #ask(worker: Worker, order: Order, limitMs = orderLimitMs): Promise<unknown> {
    const pending = this.#pending.get(worker);
    if (pending === undefined || !worker.isConnected())
      return Promise.reject(applyUnconfirmed("a worker died"));
    this.#nextId += 1;
    const id = this.#nextId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        pending.delete(id);
        reject(applyUnconfirmed(`a worker did not answer ${order.kind} in ${limitMs} ms`));
      }, limitMs);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          pending.delete(id);
          then(value);
        };
      pending.set(id, { resolve: settle(resolve), reject: settle(reject) });
      worker.send({ id, order } satisfies ToWorker);
    });
  }

  #heard(worker: Worker, message: FromWorker): void {
    const pending = this.#pending.get(worker);
    if (message.kind === "reply") pending?.get(message.id)?.resolve(message.value);
    else if (message.kind === "failure") pending?.get(message.id)?.reject(fromWire(message.error));
    else if (message.kind === "spends")
      for (const other of this.#workers)
        if (other !== worker)
          this.#ask(other, { kind: "spend", spends: message.spends }).catch(() => {
            // A worker that dies now starts with full buckets anyway.
          });
  }

  #configPath(): string {
    return join(this.#home, "edge", "config.json");
  }

  async #rotate(): Promise<void> {
    const path = join(this.#home, "edge", "access.log");
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size < logLimitBytes) return;
    await rename(`${path}.1`, `${path}.2`).catch(() => undefined);
    await rename(path, `${path}.1`);
    await this.#all({ kind: "reopenLog" });
  }
}

async function readSaved(path: string): Promise<Saved | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Saved;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    // Written atomically, so this is damage from outside: better to serve nothing than to guess.
    logLine("saved configuration cannot be read", { path });
    return undefined;
  }
}
