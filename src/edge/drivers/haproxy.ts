import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { applyUnconfirmed, configInvalid, versionRefused } from "../errors.ts";
import type { DrainOutcome, Edge, EdgeConfig, EdgeObserved } from "../port.ts";
import { checkConfig } from "../proxy/check-config.ts";
import { workerAccount } from "./haproxy/account.ts";
import {
  type CertificateFile,
  certificateFiles,
  changeCertificates,
  knownOf,
  writeCertificates,
} from "./haproxy/certificates.ts";
import { HaproxyControl } from "./haproxy/control.ts";
import { layoutOf } from "./haproxy/layout.ts";
import { affordableConnections } from "./haproxy/open-files.ts";
import { HaproxyProcess } from "./haproxy/process.ts";
import { reloadFingerprint } from "./haproxy/render-config.ts";
import { renderMaps } from "./haproxy/render-maps.ts";
import type { RenderOptions } from "./haproxy/render-options.ts";
import { RequestLog } from "./haproxy/request-log.ts";
import { planRuntime, type RuntimeState, verifyRuntime } from "./haproxy/runtime.ts";
import { serversOf, variantsOf } from "./haproxy/servers.ts";
import { readState, type SavedState, stateFormat, writeState } from "./haproxy/state-file.ts";
import { type Supervised, startSupervised, stopSupervised, untilListening } from "./haproxy/supervised.ts";
import { carryOver, latencyKey, startOver, targetCounters } from "./haproxy/target-counters.ts";
import { defaultSize, nextTruth, type PoolSize, slotKey, type Truth } from "./haproxy/truth.ts";

export type HaproxyOptions = {
  /** Folder for `edge-haproxy/`. */
  home: string;
  /** @default "haproxy", found on PATH */
  program?: string;
  /** Connections the edge accepts at once; fewer when the account may not open enough files. @default 20000 */
  maxConnections?: number;
  size?: PoolSize;
  /** Starts the file server; the socket's path is added. @default this checkout's bin/edge-files.ts */
  filesArgv?: readonly string[];
  clock?: Clock;
};

const drainPollMs = 50;
/** After connections were closed hard, HAProxy needs a moment to end their sessions. */
const closeLimitMs = 2_000;

/**
 * The production edge. Targets, weights, holds, routes and certificates change through HAProxy's runtime API; a
 * reload happens only for listeners and for more pools or slots. What runs is also on disk at any time, so HAProxy
 * comes back with it, whoever starts it. Limits: a drain's deadline closes WebSockets without a close frame.
 */
export class HaproxyEdge implements Edge {
  readonly name = "haproxy";
  readonly #options: RenderOptions;
  readonly #size: PoolSize;
  readonly #clock: Clock;
  readonly #process: HaproxyProcess;
  readonly #control: HaproxyControl;
  readonly #log: RequestLog;
  readonly #files: Supervised;
  #state: SavedState | undefined;
  /** What the worker is known to run; unknown after a failure, and for a worker not met before. */
  #running: { worker: number; state: RuntimeState } | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #followed = 0;
  /** Of the truth in force, when it is known: rendering it again would be most of a small change's cost. */
  #fingerprint: string | undefined;

  constructor(options: HaproxyOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#size = options.size ?? defaultSize;
    const layout = layoutOf(options.home);
    const account = workerAccount(layout.folder);
    this.#options = {
      account,
      layout,
      maxConnections: Math.min(options.maxConnections ?? 20_000, affordableConnections()),
      privileged: process.getuid?.() === 0,
    };
    const program = options.program ?? "haproxy";
    this.#process = new HaproxyProcess(layout, { program, clock: this.#clock });
    this.#control = new HaproxyControl(this.#options, this.#process);
    const filesProgram = join(import.meta.dirname, "../../../bin/edge-files.ts");
    this.#files = {
      argv: [
        ...(options.filesArgv ?? [process.execPath, filesProgram]),
        layout.filesSocket,
        ...(account ? [String(account.user)] : []),
      ],
      mark: layout.filesSocket,
      pidFile: layout.filesPid,
      log: layout.log,
    };
    this.#log = new RequestLog((request) => this.#occupant(request));
  }

  apply(config: EdgeConfig, version: number, signal: AbortSignal): Promise<void> {
    return this.#alone(async () => {
      signal.throwIfAborted();
      const saved = await this.#load();
      const worker = await this.#process.worker(signal);
      const running = worker === undefined ? saved.truth.version : await this.#control.version(signal);
      if (version < running) throw versionRefused(version, running);
      const problems = checkConfig(config);
      if (problems.length > 0) throw configInvalid(problems);
      const files = certificateFiles(config.certificates, this.#options.layout);
      const current = { ...saved, truth: sameWorker(saved.truth, worker) };
      const truth = await this.#next(current.truth, config, version, signal);
      if (config.routes.some(({ action }) => action.kind === "files")) await this.#serveFiles(signal);
      if (worker === undefined) await this.#start(truth, files, signal);
      else await this.#change({ worker, current, truth, files }, signal);
    });
  }

  async observe(signal: AbortSignal): Promise<EdgeObserved> {
    const { truth } = await this.#load();
    const worker = await this.#process.worker(signal);
    const { pools, config } = truth;
    const version = worker === undefined ? truth.version : await this.#control.version(signal);
    if (worker !== undefined) this.#follow(worker);
    const stats = worker === undefined ? new Map() : await this.#control.stats(signal);
    const upgraded = worker === undefined ? new Map() : await this.#control.upgraded(signal);
    const reading = { stats, upgraded, latencyOf: (key: string) => this.#log.latencyOf(key) };
    this.#log.forget(
      new Set(pools.flatMap(({ backend, slots }) => slots.map((slot) => latencyKey(backend, slot.target)))),
    );
    return {
      version,
      backends: config.backends.map(({ id, hold, targets }) => ({
        id,
        hold,
        targets: targets.map((target) => ({ id: target.id, weight: target.weight })),
      })),
      counters: targetCounters(sameWorker(truth, worker), reading),
    };
  }

  async drain(target: string, deadlineSeconds: number, signal: AbortSignal): Promise<DrainOutcome> {
    const { truth } = await this.#load();
    const pools = truth.pools.filter((pool) => pool.slots.some((slot) => slot.target === target));
    const slots = pools.flatMap((pool) =>
      pool.slots.filter((slot) => slot.target === target).map((slot) => ({ pool, slot })),
    );
    if (slots.length === 0 || (await this.#process.worker(signal)) === undefined)
      return { drained: true, closedConnections: 0 };
    const count = async () => {
      const open = await this.#control.open(pools, truth, signal);
      return slots.reduce((sum, { pool, slot }) => sum + (open.get(slotKey(pool, slot)) ?? 0), 0);
    };
    if (await this.#becomesZero(count, deadlineSeconds * 1000, signal))
      return { drained: true, closedConnections: 0 };
    const closedConnections = await count();
    await this.#control.closeSessions(
      new Set(
        slots.flatMap(({ pool, slot }) =>
          variantsOf(pool, truth).map((variant) => `${variant}${pool.index}/s${slot.index}`),
        ),
      ),
      signal,
    );
    await this.#becomesZero(count, closeLimitMs, signal);
    return { drained: false, closedConnections };
  }

  async close(): Promise<void> {
    this.#log.close();
    await this.#queue;
  }

  /** Ends HAProxy itself: for removing the platform, and for tests. */
  async stop(): Promise<void> {
    await this.close();
    await this.#process.stop();
    await stopSupervised(this.#files, this.#clock);
  }

  async #serveFiles(signal: AbortSignal): Promise<void> {
    await startSupervised(this.#files);
    await untilListening(this.#options.layout.filesSocket, this.#clock, signal);
  }

  async #next(current: Truth, config: EdgeConfig, version: number, signal: AbortSignal): Promise<Truth> {
    const known = new Set(current.pools.flatMap((pool) => pool.slots.map((slot) => slot.target)));
    const retired = current.pools.filter((pool) => pool.slots.some((slot) => slot.retired));
    const fresh = config.backends.some(({ targets }) => targets.some(({ id }) => !known.has(id)));
    const alive = (await this.#process.worker(signal)) !== undefined;
    const stats = alive && fresh ? await this.#control.stats(signal, true) : new Map();
    const open = alive && retired.length > 0 ? await this.#control.open(retired, current, signal) : new Map();
    const ended = retired
      .flatMap((pool) => pool.slots.filter((slot) => slot.retired).map((slot) => slotKey(pool, slot)))
      .filter((key) => (open.get(key) ?? 0) === 0);
    const counts = new Map([...stats].map(([key, slot]) => [key, slot.counts] as const));
    const addresses = await resolveAll(config);
    return nextTruth(current, {
      ...{ version, config, now: this.#clock.now() },
      ...{ addresses, counts, ended: new Set(ended) },
    });
  }

  async #start(truth: Truth, files: readonly CertificateFile[], signal: AbortSignal): Promise<void> {
    const fresh = startOver(truth);
    await this.#control.prepareFolder();
    await writeCertificates(files, this.#options.layout);
    await this.#control.check(fresh, signal);
    await this.#control.writeTruth(fresh);
    const worker = await this.#process.ensure(signal);
    await this.#taken({ ...fresh, worker }, files);
    await this.#settle(signal);
  }

  /** A worker that was running all along, or came back by itself: brings it from what it runs to the truth. */
  async #change(
    at: { worker: number; current: SavedState; truth: Truth; files: readonly CertificateFile[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { current, truth, files } = at;
    const { layout } = this.#options;
    const fingerprint = reloadFingerprint(truth, this.#options);
    this.#fingerprint ??= reloadFingerprint(current.truth, this.#options);
    const restructured = this.#fingerprint !== fingerprint;
    this.#fingerprint = undefined;
    const list = await readFile(layout.certificateList, "utf8").catch(() => "");
    await writeCertificates(files, layout);
    if (restructured) return this.#reload({ ...at, list }, signal);
    const send = this.#control.send(signal);
    const swapped = await changeCertificates(send, { layout, known: current.certificates, files });
    if (!swapped) return this.#reload({ ...at, list }, signal);
    await this.#control.writeTruth(truth);
    await this.#taken(truth, files);
    await this.#settle(signal);
    this.#fingerprint = fingerprint;
  }

  async #reload(
    at: { current: SavedState; truth: Truth; files: readonly CertificateFile[]; list: string },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#control.check(at.truth, signal);
    const truth = carryOver(at.truth, await this.#control.stats(signal));
    await this.#control.writeTruth(truth);
    try {
      const worker = await this.#process.reload(signal);
      this.#control.reloaded();
      await this.#taken({ ...truth, worker }, at.files);
      await this.#settle(signal);
    } catch (error) {
      await this.#control.writeTruth(at.current.truth);
      await writeFileAtomic(this.#options.layout.certificateList, at.list);
      throw error;
    }
  }

  /** The new truth is on disk; from here on it is what any start begins with. */
  async #taken(truth: Truth, files: readonly CertificateFile[]): Promise<void> {
    this.#state = { truth, certificates: knownOf(files), format: stateFormat };
    await writeState(this.#options.layout.state, this.#state);
  }

  /** Makes the worker run what is on disk, reads it back, and confirms the version last. */
  async #settle(signal: AbortSignal): Promise<void> {
    const { truth } = await this.#load();
    const to: RuntimeState = {
      servers: serversOf(truth),
      maps: renderMaps(truth),
      trusted: truth.config.trustedProxies,
    };
    const known = this.#running?.worker === truth.worker ? this.#running.state : undefined;
    this.#running = undefined;
    const actual = known?.servers ?? (await this.#control.servers(signal));
    const change = planRuntime(known, to, actual);
    try {
      await this.#control.change(change, signal);
    } catch (error) {
      throw signal.aborted ? error : applyUnconfirmed(error instanceof Error ? error.message : String(error));
    }
    await verifyRuntime(this.#control.send(signal), change, this.#options.layout);
    await this.#control.confirm(truth.version, signal);
    this.#running = { worker: truth.worker, state: to };
    this.#follow(truth.worker);
  }

  async #load(): Promise<SavedState> {
    this.#state ??= await readState(this.#options.layout.state, this.#size);
    return this.#state;
  }

  #follow(worker: number): void {
    if (this.#followed === worker && this.#log.following) return;
    this.#followed = worker;
    this.#log.follow(this.#options.layout.adminSocket);
  }

  #occupant(request: { pool: string; server: string; at: number }): string | undefined {
    const pool = this.#state?.truth.pools.find(({ index }) => String(index) === request.pool.slice(1));
    const slot = pool?.slots.find(({ index }) => `s${index}` === request.server);
    return pool && slot && request.at >= slot.since ? latencyKey(pool.backend, slot.target) : undefined;
  }

  async #becomesZero(count: () => Promise<number>, limitMs: number, signal: AbortSignal): Promise<boolean> {
    const until = this.#clock.now() + limitMs;
    for (;;) {
      if ((await count()) === 0) return true;
      if (this.#clock.now() >= until) return false;
      await this.#clock.sleep(Math.min(drainPollMs, Math.max(1, until - this.#clock.now())), signal);
    }
  }

  /** One change at a time. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work, work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** The slots' base counts belong to one worker; another one began to count at nothing. */
function sameWorker(truth: Truth, worker: number | undefined): Truth {
  return worker === undefined || truth.worker === worker ? truth : { ...startOver(truth), worker };
}

/** Host names of targets -> addresses. Unresolvable ones are left out, and HAProxy's refusal names them. */
async function resolveAll(config: EdgeConfig): Promise<Map<string, string>> {
  const names = new Set(config.backends.flatMap(({ targets }) => targets.map(({ host }) => host)));
  const addresses = new Map<string, string>();
  for (const name of names) {
    if (isIP(name) !== 0) continue;
    const found = await lookup(name).catch((cause) => {
      throw configInvalid([`target host ${name} does not resolve (${String(cause?.code ?? cause)})`]);
    });
    addresses.set(name, found.address);
  }
  return addresses;
}
