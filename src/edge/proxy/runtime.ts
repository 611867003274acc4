import type { Backend, DrainOutcome, Target, TargetCounters } from "../port.ts";
import { Balancer } from "./balancer.ts";
import { TargetStats } from "./counters.ts";
import { readCookie, stickyCookieName, stickyValue } from "./sticky-cookie.ts";
import { UpstreamPool } from "./upstream-pool.ts";

/** Something that keeps a target busy: a request, a WebSocket, a TCP connection. */
export type Occupant = {
  /** Called about four times a second: ends itself when a limit passed. */
  check(now: number): void;
  /** The target is being retired: end politely where the protocol can. */
  expel(): void;
};

/** Requests that wait for a held backend: beyond this the edge answers 503 at once. */
const maxWaiting = 1_000;
const ejectionMs = 1_000;

/** One target of one backend, with its kept connections and everything that runs on it. */
export class TargetRuntime {
  readonly id: string;
  readonly backend: string;
  readonly host: string;
  readonly port: number;
  readonly stickyValue: string;
  readonly stats: TargetStats;
  readonly pool: UpstreamPool;
  readonly occupants = new Set<Occupant>();
  weight: number;
  ejectedUntil = 0;
  #onEmpty: (() => void)[] = [];

  constructor(backend: string, target: Target, stats: TargetStats) {
    this.id = target.id;
    this.backend = backend;
    this.host = target.host;
    this.port = target.port;
    this.weight = target.weight;
    this.stats = stats;
    this.stickyValue = stickyValue(backend, target.id);
    this.pool = new UpstreamPool({ host: target.host, port: target.port });
  }

  /** A refused connection takes the target out of the choice for a second. */
  eject(now: number): void {
    this.ejectedUntil = now + ejectionMs;
  }

  enter(occupant: Occupant): void {
    this.occupants.add(occupant);
  }

  leave(occupant: Occupant): void {
    if (this.occupants.delete(occupant) && this.occupants.size === 0)
      for (const wake of this.#onEmpty.splice(0)) wake();
  }

  counters(): TargetCounters {
    return this.stats.read(this.id, this.backend);
  }

  /** Resolves when nothing runs on the target; what is left after `limitMs` is closed. */
  drain(limitMs: number): Promise<DrainOutcome> {
    if (this.occupants.size === 0) return Promise.resolve({ drained: true, closedConnections: 0 });
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#onEmpty = this.#onEmpty.filter((other) => other !== wake);
        const closedConnections = this.occupants.size;
        for (const occupant of [...this.occupants]) occupant.expel();
        resolve({ drained: false, closedConnections });
      }, limitMs);
      const wake = () => {
        clearTimeout(timer);
        resolve({ drained: true, closedConnections: 0 });
      };
      this.#onEmpty.push(wake);
    });
  }
}

/** A request that waits for its backend. `go` looks at the backend again; `giveUp` answers 503. */
export type Waiting = { until: number; go: () => void; giveUp: () => void };

/** One backend: its balance, its hold and the queue behind it. Lives as long as its id is configured. */
export class BackendRuntime {
  readonly id: string;
  readonly cookieName: string;
  readonly balancer = new Balancer<TargetRuntime>();
  config: Backend;
  #waiting: Waiting[] = [];

  constructor(config: Backend) {
    this.id = config.id;
    this.config = config;
    this.cookieName = stickyCookieName(config.id);
  }

  /** Takes over targets and weights. */
  update(config: Backend, targets: readonly TargetRuntime[]): void {
    this.config = config;
    this.balancer.update(targets);
  }

  /** Lets waiting requests look again when the hold is lifted; called once all backends are up to date. */
  release(): void {
    if (this.config.hold) return;
    for (const waiting of this.#waiting.splice(0)) waiting.go();
  }

  /** False when the queue is full. */
  wait(waiting: Waiting): boolean {
    if (this.#waiting.length >= maxWaiting) return false;
    this.#waiting.push(waiting);
    return true;
  }

  leaveQueue(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  check(now: number): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].until <= now) this.#waiting.shift()?.giveUp();
  }

  /** The backend is gone: waiting requests find no backend. */
  dissolve(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.giveUp();
  }

  /** Target a client's cookie binds it to, while that one is still configured and not refusing. */
  boundTarget(cookie: string, now: number): TargetRuntime | undefined {
    if (!this.config.sticky || cookie === "") return undefined;
    const value = readCookie(cookie, this.cookieName);
    if (value === undefined) return undefined;
    return this.balancer.targets.find((target) => target.stickyValue === value && target.ejectedUntil <= now);
  }

  adopt(target: Target, known: TargetRuntime | undefined): TargetRuntime {
    if (known !== undefined && known.host === target.host && known.port === target.port) {
      known.weight = target.weight;
      return known;
    }
    known?.pool.close();
    return new TargetRuntime(this.id, target, known?.stats ?? new TargetStats());
  }
}
