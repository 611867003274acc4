import { randomBytes } from "node:crypto";
import { configInvalid } from "../errors.ts";
import type { DrainOutcome, EdgeConfig, EdgeObserved, TargetId } from "../port.ts";
import { AddressList } from "./address-list.ts";
import { CertificateTable } from "./certificates.ts";
import { checkConfig } from "./check-config.ts";
import { type ListenerSpec, listenerSpecs, type OpenListener, openListener } from "./listeners.ts";
import type { Plane, PublicRoute } from "./plane.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { buildRouteTable } from "./route-table.ts";
import { BackendRuntime, type TargetRuntime } from "./runtime.ts";

/** Targets that left the configuration are remembered for their counters, this many at most. */
const maxRetired = 500;

export type DataPlaneOptions = {
  ticketKeys: Buffer;
  record: Plane["record"];
  log: Plane["log"];
  onSpend: Plane["onSpend"];
};

type Prepared = {
  config: EdgeConfig;
  version: number;
  certificates: CertificateTable;
  opened: OpenListener[];
};

/**
 * One worker's whole edge: listeners, routes, backends. A configuration is taken over in two moves, so that several
 * workers change together or not at all: `prepare` opens what is new, `commit` switches (no await inside).
 */
export class DataPlane {
  readonly #plane: Plane;
  readonly #ticketKeys: Buffer;
  #listeners: OpenListener[] = [];
  #certificates = new CertificateTable([]);
  #targets = new Map<string, TargetRuntime>();
  #retired = new Map<string, TargetRuntime>();
  #limiters = new Map<string, { rule: string; limiter: RateLimiter }>();
  #prepared: Prepared | undefined;
  #config: EdgeConfig | undefined;
  #version = 0;
  readonly #startServing: () => void;
  readonly #timer: NodeJS.Timeout;

  constructor(options: DataPlaneOptions) {
    this.#ticketKeys = options.ticketKeys;
    const prefix = randomBytes(6).toString("hex");
    let count = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#startServing = resolve;
    this.#plane = {
      whenServing: promise,
      table: buildRouteTable<PublicRoute>([]),
      backends: new Map(),
      trusted: new AddressList([]),
      lastTarget: "",
      nextRequestId: () => {
        count += 1;
        return `${prefix}${count.toString(36)}`;
      },
      onSpend: options.onSpend,
      record: options.record,
      log: options.log,
    };
    this.#timer = setInterval(() => this.#check(), 250);
  }

  /** Target of the exchange being recorded, for the access log. */
  takeLastTarget(): string {
    const target = this.#plane.lastTarget;
    this.#plane.lastTarget = "";
    return target;
  }

  /** Checks the configuration and opens its new listeners. @throws EDGE_CONFIG_INVALID, EDGE_LISTEN_FAILED */
  async prepare(config: EdgeConfig, version: number): Promise<void> {
    await this.rollBack();
    const problems = checkConfig(config);
    if (problems.length > 0) throw configInvalid(problems);
    const certificates = readCertificates(config);
    const prepared: Prepared = { config, version, certificates, opened: [] };
    this.#prepared = prepared;
    const known = new Set(this.#listeners.map((listener) => listener.spec.key));
    for (const spec of listenerSpecs(config)) {
      if (known.has(spec.key)) continue;
      try {
        await this.#yieldAddress(spec);
        prepared.opened.push(await this.#open(spec));
      } catch (error) {
        await this.rollBack();
        throw error;
      }
    }
  }

  /** Gives up what `prepare` opened. */
  async rollBack(): Promise<void> {
    const opened = this.#prepared?.opened ?? [];
    this.#prepared = undefined;
    await Promise.all(opened.map(closeListener));
    const open = new Set(this.#listeners.map((listener) => listener.spec.key));
    for (const spec of this.#config ? listenerSpecs(this.#config) : [])
      if (!open.has(spec.key)) this.#listeners.push(await this.#open(spec));
  }

  /** Serves the prepared configuration from the next request on. */
  commit(): void {
    const prepared = this.#prepared;
    if (prepared === undefined) throw new Error("commit without prepare");
    this.#prepared = undefined;
    const { config } = prepared;
    this.#certificates = prepared.certificates;
    this.#config = config;
    this.#version = prepared.version;
    this.#plane.trusted = new AddressList(config.trustedProxies);
    this.#takeBackends(config);
    this.#plane.table = buildRouteTable(config.routes.map((route) => this.#compile(route)));
    const wanted = new Set(listenerSpecs(config).map((spec) => spec.key));
    const all = [...this.#listeners, ...prepared.opened];
    this.#listeners = all.filter((listener) => wanted.has(listener.spec.key));
    for (const gone of all.filter((listener) => !wanted.has(listener.spec.key))) void closeListener(gone);
    this.#plane.whenServing = undefined;
    this.#startServing();
  }

  observe(): EdgeObserved {
    return {
      version: this.#version,
      backends: (this.#config?.backends ?? []).map(({ id, hold, targets }) => ({
        id,
        hold,
        targets: targets.map((target) => ({ id: target.id, weight: target.weight })),
      })),
      counters: [...this.#targets.values(), ...this.#retired.values()].map((target) => target.counters()),
    };
  }

  async drain(id: TargetId, limitMs: number): Promise<DrainOutcome> {
    const targets = [...this.#targets.values(), ...this.#retired.values()].filter(
      (target) => target.id === id,
    );
    const outcomes = await Promise.all(targets.map((target) => target.drain(limitMs)));
    return {
      drained: outcomes.every((outcome) => outcome.drained),
      closedConnections: outcomes.reduce((sum, outcome) => sum + outcome.closedConnections, 0),
    };
  }

  /** Another worker let requests of this client through. */
  spend(route: string, client: string, count: number): void {
    this.#limiters.get(route)?.limiter.spend(client, count, performance.now());
  }

  /** Takes no new connection, lets open requests end, and closes the rest after `limitMs`. */
  async close(limitMs: number): Promise<void> {
    await this.rollBack();
    const closed = this.#listeners.map(closeListener);
    const targets = [...this.#targets.values(), ...this.#retired.values()];
    await Promise.all(targets.map((target) => target.drain(limitMs)));
    for (const { sockets } of this.#listeners) for (const socket of sockets) socket.destroy();
    for (const target of targets) target.pool.close();
    for (const backend of this.#plane.backends.values()) backend.dissolve();
    clearInterval(this.#timer);
    await Promise.all(closed);
  }

  #takeBackends(config: EdgeConfig): void {
    const targets = new Map<string, TargetRuntime>();
    const backends = new Map<string, BackendRuntime>();
    for (const wanted of config.backends) {
      const backend = this.#plane.backends.get(wanted.id) ?? new BackendRuntime(wanted);
      backends.set(wanted.id, backend);
      const own = wanted.targets.map((target) => {
        const key = `${wanted.id}\n${target.id}`;
        const runtime = backend.adopt(target, this.#targets.get(key) ?? this.#retired.get(key));
        targets.set(key, runtime);
        this.#retired.delete(key);
        return runtime;
      });
      backend.update(wanted, own);
    }
    for (const [key, target] of this.#targets) {
      if (targets.has(key)) continue;
      target.pool.closeIdle();
      this.#retired.set(key, target);
    }
    for (const [id, backend] of this.#plane.backends) if (!backends.has(id)) backend.dissolve();
    this.#targets = targets;
    this.#plane.backends = backends;
    for (const backend of backends.values()) backend.release();
  }

  #compile(route: EdgeConfig["routes"][number]): PublicRoute {
    if (route.rateLimit === undefined) return route;
    const rule = JSON.stringify(route.rateLimit);
    const known = this.#limiters.get(route.id);
    const limiter = known?.rule === rule ? known.limiter : new RateLimiter(route.rateLimit);
    this.#limiters.set(route.id, { rule, limiter });
    return { ...route, limiter };
  }

  /** The same address with another purpose: the old listener must let go first. */
  async #yieldAddress(spec: ListenerSpec): Promise<void> {
    const old = this.#listeners.find(({ spec: { host, port } }) => host === spec.host && port === spec.port);
    if (old === undefined) return;
    this.#listeners = this.#listeners.filter((listener) => listener !== old);
    await closeListener(old);
  }

  #open(spec: ListenerSpec): Promise<OpenListener> {
    return openListener(this.#plane, spec, {
      certificates: () => this.#certificates,
      ticketKeys: this.#ticketKeys,
    });
  }

  #check(): void {
    const now = performance.now();
    for (const backend of this.#plane.backends.values()) backend.check(now);
    for (const target of this.#targets.values()) {
      for (const occupant of target.occupants) occupant.check(now);
      target.pool.sweep(now);
    }
    for (const [key, target] of this.#retired) {
      for (const occupant of target.occupants) occupant.check(now);
      if (this.#retired.size > maxRetired && target.occupants.size === 0) this.#retired.delete(key);
    }
  }
}

function readCertificates(config: EdgeConfig): CertificateTable {
  try {
    return new CertificateTable(config.certificates);
  } catch (error) {
    // OpenSSL's text names the fault, never the key.
    throw configInvalid([`certificate cannot be used: ${error instanceof Error ? error.message : ""}`]);
  }
}

/** Stops accepting; connections that are open go on, idle ones close. */
function closeListener(listener: OpenListener): Promise<void> {
  const { server } = listener;
  return new Promise((resolve) => {
    server.close(() => resolve());
    if ("closeIdleConnections" in server) server.closeIdleConnections();
    resolve();
  });
}
