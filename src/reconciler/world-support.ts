/** A whole control plane on memory drivers with a clock turned by hand: the crash tests and the engine tests run on it. */

import { MemoryEdge } from "../edge/drivers/memory.ts";
import { countingIds } from "../lib/ids.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import type { DeploymentId, Scope } from "../rollout/ids.ts";
import { MemoryRuntime } from "../runtime/drivers/memory.ts";
import type { Probe, Service, SmokeCheck, Stack } from "../stack/stack.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import type { Deployment, DeployRequest, JournalEntry, Store } from "../store/port.ts";
import { ControlEngine } from "./control-engine.ts";
import { defaultSettings, type EngineParts } from "./parts.ts";

export const scope: Scope = { stack: "shop", environment: "production" };
export const by = { name: "test", reason: "because" };

const timing = { intervalSeconds: 5, timeoutSeconds: 2, retries: 3, startPeriodSeconds: 0 };
export const httpProbe: Probe = { kind: "http", path: "/healthz", port: 3000, expect: [200], ...timing };

export function aStackService(name: string, changes: Partial<Service> = {}): Service {
  return {
    name,
    kind: "web",
    replicas: 1,
    strategy: "blue-green",
    keepWarmSeconds: 3600,
    drainSeconds: 5,
    readyTimeoutSeconds: 30,
    stopGraceSeconds: 10,
    holdSeconds: 30,
    dependsOn: [],
    routes: [{ host: `${name}.test`, path: "/", port: 3000, stripPath: false }],
    ports: [{ port: 3000, protocol: "http" }],
    addressing: "proxied",
    probe: httpProbe,
    smoke: [],
    sticky: false,
    ...changes,
    compose: { image: `${name}:1`, ...changes.compose },
  };
}

/** The same service with another image: a new version. */
export function version(service: Service, tag: number | string): Service {
  return { ...service, compose: { ...service.compose, image: `${service.name}:${tag}` } };
}

export function requestFor(services: readonly Service[], label = ""): DeployRequest {
  const stack: Stack = {
    name: scope.stack,
    environment: scope.environment,
    services,
    networks: {},
    volumes: {},
    files: [],
  };
  const bundle = {
    projectDirectory: "/project",
    composeFiles: ["/project/stack.json"],
    texts: { "/project/stack.json": JSON.stringify(stack) },
    variables: {},
    profiles: [],
  };
  return { bundle, label, services: [], fileVersions: {} };
}

export class World {
  readonly clock = new ManualClock();
  readonly runtime = new MemoryRuntime(this.clock);
  readonly edge = new MemoryEdge();
  readonly store: Store = createMemoryStore();
  readonly smokeAnswers = new Map<string, { status: number; body: string }>();
  /** Replaced to end the control plane at a journal entry. */
  onJournal: (entry: JournalEntry) => void = () => undefined;
  readonly logged: string[] = [];
  readonly #ids = countingIds();
  #holder = 0;
  engine = this.#newEngine();

  parts(): EngineParts {
    this.#holder += 1;
    return {
      store: this.store,
      runtime: this.runtime,
      edge: this.edge,
      clock: this.clock,
      ids: this.#ids,
      settings: { ...defaultSettings, holder: `engine-${this.#holder}` },
      resolve: (bundle, environment) => ({
        stack: { ...(JSON.parse(bundle.texts["/project/stack.json"] ?? "{}") as Stack), environment },
        problems: [],
      }),
      request: async (check: SmokeCheck, host) => {
        const answer = await this.edge.ask(host, check.path);
        return this.smokeAnswers.get(check.path) ?? { status: answer.status, body: "" };
      },
      log: (_level, message) => void this.logged.push(message),
      onJournal: (entry) => this.onJournal(entry),
    };
  }

  #newEngine(): ControlEngine {
    return new ControlEngine(this.parts());
  }

  /** A control plane that was killed is simply never heard of again; its successor finds store, runtime and edge. */
  async restart(): Promise<void> {
    this.engine = this.#newEngine();
    await this.engine.reconciler.start();
  }

  /** Turns the clock until the condition holds; fails after `seconds` of virtual time. */
  async until(condition: () => boolean, what: string, seconds = 3600): Promise<void> {
    const end = this.clock.now() + seconds * 1000;
    while (!condition()) {
      if (this.clock.now() > end)
        throw new Error(`not within ${seconds} s: ${what}\n${this.logged.slice(-5).join("\n")}`);
      await this.turn(100);
    }
  }

  /** Lets all pending work go on, then moves the clock. */
  async turn(ms: number): Promise<void> {
    for (let i = 0; i < 6; i += 1) await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(ms);
  }

  async rest(seconds: number): Promise<void> {
    const end = this.clock.now() + seconds * 1000;
    while (this.clock.now() < end) await this.turn(200);
  }

  async finished(deployment: { id: DeploymentId }, seconds = 3600): Promise<Deployment> {
    const now = () => this.store.deployments.get(deployment.id);
    await this.until(() => now()?.finishedAt !== undefined, `deployment ${deployment.id} finished`, seconds);
    return now() as Deployment;
  }

  async deploy(services: readonly Service[], label = ""): Promise<Deployment> {
    return this.finished(this.engine.deploy(scope, requestFor(services, label), by));
  }

  /** Image references that get traffic now, by service. */
  serving(service: string): string[] {
    const targets = this.store.scopes.get(scope)?.routing[service]?.targets ?? [];
    const references = targets
      .filter((t) => t.weight > 0)
      .map((t) => this.runtime.specOf(t.replica)?.image.reference ?? "gone");
    return [...new Set(references)];
  }
}
