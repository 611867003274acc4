import { bucketOf, type Histogram } from "../../lib/histogram.ts";
import { configInvalid, injectedFault, versionRefused } from "../errors.ts";
import type {
  Backend,
  DrainOutcome,
  Edge,
  EdgeConfig,
  EdgeObserved,
  EdgeRoute,
  TargetCounters,
} from "../port.ts";
import { Balancer } from "../proxy/balancer.ts";
import { checkConfig } from "../proxy/check-config.ts";
import { buildRouteTable, type RouteTable } from "../proxy/route-table.ts";

/** What the edge decided for one request. `target` is set when it would go to a service. */
export type MemoryAnswer = { status: number; route?: string; target?: string; location?: string };

type Counted = { -readonly [K in keyof TargetCounters]: TargetCounters[K] } & {
  latency: Record<number, number>;
};
type Held = { ask: () => void; giveUp: () => void };
type Draining = { target: string; outcome: (outcome: DrainOutcome) => void };

/**
 * An edge without sockets: takes configurations and decides as the data plane does, with the same pure functions.
 * The reconciler's tests and `--edge memory` use it; it is held to the decision part of the conformance suite.
 */
export class MemoryEdge implements Edge {
  readonly name = "memory";
  /** Every configuration that was taken over, oldest first. */
  readonly history: { version: number; config: EdgeConfig }[] = [];
  #table: RouteTable<EdgeRoute> = buildRouteTable([]);
  #balancers = new Map<string, Balancer<{ id: string; weight: number; ejectedUntil: number }>>();
  #counters = new Map<string, Counted>();
  #held: Held[] = [];
  #draining: Draining[] = [];
  #failures = 0;

  get config(): EdgeConfig | undefined {
    return this.history.at(-1)?.config;
  }

  get version(): number {
    return this.history.at(-1)?.version ?? 0;
  }

  async apply(config: EdgeConfig, version: number, signal: AbortSignal): Promise<void> {
    this.#mayFail(signal);
    if (version < this.version) throw versionRefused(version, this.version);
    const problems = checkConfig(config);
    if (problems.length > 0) throw configInvalid(problems);
    this.history.push({ version, config: structuredClone(config) });
    this.#table = buildRouteTable(config.routes);
    for (const backend of config.backends) this.#takeOver(backend);
    const waiting = this.#held;
    this.#held = [];
    for (const held of waiting) held.ask();
  }

  async observe(signal: AbortSignal): Promise<EdgeObserved> {
    this.#mayFail(signal);
    return {
      version: this.version,
      backends: (this.config?.backends ?? []).map(({ id, hold, targets }) => ({
        id,
        hold,
        targets: targets.map((target) => ({ id: target.id, weight: target.weight })),
      })),
      counters: structuredClone([...this.#counters.values()]),
    };
  }

  /** Immediate for an idle target; else waits until a test ends its requests (`finish`) or calls `expireDrains`. */
  async drain(target: string, _deadlineSeconds: number, signal: AbortSignal): Promise<DrainOutcome> {
    this.#mayFail(signal);
    if (this.#open(target) === 0) return { drained: true, closedConnections: 0 };
    return new Promise((resolve, reject) => {
      const draining = { target, outcome: resolve };
      this.#draining.push(draining);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  async close(): Promise<void> {
    this.#held = [];
  }

  /** The next `count` calls of the port throw EDGE_INJECTED_FAULT and change nothing. */
  failNext(count: number): void {
    this.#failures = count;
  }

  /**
   * Decides one request as the data plane would, and counts it on its target. While the backend is held this waits
   * until a later `apply` lifts it, or `expireHolds` gives up.
   * @param bound target a sticky client is bound to.
   */
  ask(host: string, path: string, options: { bound?: string; tls?: boolean } = {}): Promise<MemoryAnswer> {
    return new Promise((resolve) => {
      const decide = () => {
        const route = this.#table.find(host, path);
        const backend = this.#backendOf(route);
        if (backend?.hold) this.#held.push({ ask: decide, giveUp: () => resolve({ status: 503 }) });
        else resolve(this.#answer(route, path, options));
      };
      decide();
    });
  }

  /** Requests that wait now because their backend is held. */
  get waiting(): number {
    return this.#held.length;
  }

  /** Lets all waiting requests run into their limit: they get 503. */
  expireHolds(): void {
    for (const held of this.#held.splice(0)) held.giveUp();
  }

  /** Feeds the counters: one finished request. `status` 0 means no answer came. */
  record(target: string, outcome: { status: number; ms: number }): void {
    const counters = this.#countersOf(target);
    counters.requests += 1;
    counters.latency[bucketOf(outcome.ms)] = (counters.latency[bucketOf(outcome.ms)] ?? 0) + 1;
    if (outcome.status === 0) counters.failures += 1;
    else if (outcome.status >= 500) counters.status5xx += 1;
    else if (outcome.status >= 400) counters.status4xx += 1;
    else if (outcome.status >= 300) counters.status3xx += 1;
    else counters.status2xx += 1;
  }

  /** Pretends that requests or upgraded connections are open on a target. */
  begin(target: string, open: { inFlight?: number; upgraded?: number }): void {
    const counters = this.#countersOf(target);
    counters.inFlight += open.inFlight ?? 0;
    counters.upgraded += open.upgraded ?? 0;
  }

  /** Ends everything `begin` opened on a target, so that a drain of it completes. */
  finish(target: string): void {
    this.#end(target, true);
  }

  /** Lets the deadline of every running drain pass. */
  expireDrains(): void {
    for (const { target } of [...this.#draining]) this.#end(target, false);
  }

  #end(target: string, drained: boolean): void {
    const closedConnections = drained ? 0 : this.#open(target);
    const counters = this.#countersOf(target);
    counters.inFlight = 0;
    counters.upgraded = 0;
    const ended = this.#draining.filter((draining) => draining.target === target);
    this.#draining = this.#draining.filter((draining) => draining.target !== target);
    for (const draining of ended) draining.outcome({ drained, closedConnections });
  }

  #answer(
    route: EdgeRoute | undefined,
    path: string,
    options: { bound?: string; tls?: boolean },
  ): MemoryAnswer {
    if (!route) return { status: 404 };
    if (route.requireTls && !options.tls && !path.startsWith("/.well-known/acme-challenge/"))
      return { status: 308, route: route.id };
    const { action } = route;
    if (action.kind === "redirect") return { status: action.status, route: route.id, location: action.to };
    if (action.kind === "answer") return { status: action.status, route: route.id };
    if (action.kind === "files") return { status: 200, route: route.id };
    const balancer = this.#balancers.get(action.backend);
    const backend = this.#backendOf(route);
    const bound = backend?.sticky && options.bound ? balancer?.bound(options.bound, 0) : undefined;
    const target = bound ?? balancer?.pick(0);
    if (!target) return { status: 503, route: route.id };
    this.record(target.id, { status: 200, ms: 1 });
    return { status: 200, route: route.id, target: target.id };
  }

  #backendOf(route: EdgeRoute | undefined): Backend | undefined {
    if (route?.action.kind !== "proxy") return undefined;
    const id = route.action.backend;
    return this.config?.backends.find((backend) => backend.id === id);
  }

  #takeOver(backend: Backend): void {
    const balancer = this.#balancers.get(backend.id) ?? new Balancer();
    balancer.update(backend.targets.map(({ id, weight }) => ({ id, weight, ejectedUntil: 0 })));
    this.#balancers.set(backend.id, balancer);
    for (const { id } of backend.targets) this.#countersOf(id, backend.id);
  }

  #countersOf(target: string, backend = ""): Counted {
    const known = this.#counters.get(target);
    if (known) return known;
    const latency: Histogram & Record<number, number> = {};
    const fresh = {
      ...{ target, backend, requests: 0, status2xx: 0, status3xx: 0, status4xx: 0, status5xx: 0 },
      ...{ failures: 0, inFlight: 0, upgraded: 0, latency },
    };
    this.#counters.set(target, fresh);
    return fresh;
  }

  #open(target: string): number {
    const counters = this.#counters.get(target);
    return (counters?.inFlight ?? 0) + (counters?.upgraded ?? 0);
  }

  #mayFail(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#failures === 0) return;
    this.#failures -= 1;
    throw injectedFault();
  }
}
