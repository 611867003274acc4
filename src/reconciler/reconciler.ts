import { messageOf } from "../lib/platform-error.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Shared } from "./scope-worker.ts";
import { ScopeWorker } from "./scope-worker.ts";
import { restoreAddresses } from "./steps/prepare.ts";

/** After an unexpected fault a stack's loop rests this long, so that a defect never becomes a hot loop. */
const faultPauseMs = 2000;
/** Between two looks while something is not as it should be. */
const uneasyPauseMs = 1000;

type Running = { worker: ScopeWorker; nudge: () => void; stopped: Promise<void> };

/**
 * Runs one loop per stack and environment. Each holds the stack's lease while it works, so that two control planes
 * on one store never steer the same stack; a nudge (new deployment, runtime event) wakes it before its tick.
 */
export class Reconciler {
  readonly #shared: Shared;
  readonly #running = new Map<string, Running>();
  readonly #stop = new AbortController();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** Takes up all stacks that the store knows, and what was left unfinished. Nothing that is broken outside keeps it from starting. */
  async start(): Promise<void> {
    const { store, runtime } = this.#shared.parts;
    const signal = this.#stop.signal;
    for (const state of store.scopes.list())
      await this.#tryAtStart(() => restoreAddresses(this.#shared, state, signal));
    if (store.scopes.list().length > 0) await this.#tryAtStart(() => this.#shared.director.sync(signal));
    for (const state of store.scopes.list()) this.wake(state.scope);
    for (const deployment of store.deployments.unfinished("all")) this.wake(deployment.scope);
    runtime.watch(() => this.#wakeAll(), signal);
    this.#guardEdge(signal).catch(() => undefined);
  }

  async #tryAtStart(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#shared.parts.log("warn", `not yet possible at start, tried again later: ${messageOf(error)}`);
    }
  }

  /** Makes the stack's loop look now; starts it if there is none. */
  wake(scope: Scope): void {
    const key = scopeKey(scope);
    const known = this.#running.get(key);
    if (known) {
      known.nudge();
      return;
    }
    const bell = new Bell();
    const worker = new ScopeWorker(scope, this.#shared);
    // Not at once: the caller may be inside a transaction of the store.
    const begin = new Promise<void>((resolve) => queueMicrotask(resolve));
    const stopped = begin.then(() => this.#loop(worker, bell)).finally(() => this.#running.delete(key));
    this.#running.set(key, { worker, nudge: () => bell.ring(), stopped });
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await Promise.all([...this.#running.values()].map((running) => running.stopped));
  }

  #wakeAll(): void {
    for (const running of this.#running.values()) running.nudge();
  }

  async #loop(worker: ScopeWorker, bell: Bell): Promise<void> {
    const { parts } = this.#shared;
    const { signal } = this.#stop;
    const lease = `scope:${scopeKey(worker.scope)}`;
    while (!signal.aborted) {
      let more = false;
      let pauseMs = parts.settings.tickMs;
      const keeper = this.#keepLease(lease, signal);
      try {
        if (keeper) more = await worker.round(AbortSignal.any([signal, keeper.lost]));
        if (!worker.calm) pauseMs = Math.min(pauseMs, uneasyPauseMs);
        if (!more && this.#isGone(worker.scope)) return;
      } catch (error) {
        if (signal.aborted) return;
        parts.log("error", `the loop of ${scopeKey(worker.scope)} failed: ${messageOf(error)}`, {
          error: stackOf(error),
        });
        pauseMs = faultPauseMs;
      } finally {
        keeper?.done();
      }
      if (!more) await bell.wait(pauseMs, parts.clock, signal);
    }
    parts.store.leases.release(lease, parts.settings.holder);
  }

  #isGone(scope: Scope): boolean {
    const { store } = this.#shared.parts;
    return store.scopes.get(scope) === undefined && store.deployments.unfinished(scope).length === 0;
  }

  /** Renews the lease while a round lasts; a lost lease ends the round. */
  #keepLease(lease: string, signal: AbortSignal): { lost: AbortSignal; done: () => void } | undefined {
    const { store, clock, settings } = this.#shared.parts;
    const acquire = () => store.leases.acquire(lease, settings.holder, settings.leaseMs, clock.now());
    if (!acquire()) return undefined;
    const lost = new AbortController();
    const over = new AbortController();
    const renew = async () => {
      while (!over.signal.aborted) {
        await clock.sleep(settings.leaseMs / 3, AbortSignal.any([over.signal, signal]));
        if (!acquire()) lost.abort(new Error(`another control plane took the lease ${lease}`));
      }
    };
    renew().catch(() => undefined);
    return { lost: lost.signal, done: () => over.abort() };
  }

  /** An edge that was replaced or lost its state gets the configuration again. */
  async #guardEdge(signal: AbortSignal): Promise<void> {
    const { parts, director } = this.#shared;
    while (!signal.aborted) {
      try {
        const observed = await director.observe(signal);
        if (observed.version < director.version) await director.sync(signal);
      } catch (error) {
        if (!signal.aborted) parts.log("warn", `the edge does not answer: ${messageOf(error)}`);
      }
      await parts.clock.sleep(5000, signal).catch(() => undefined);
    }
  }
}

/** Wakes one sleeper early; a ring while nobody sleeps is not lost. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async wait(
    ms: number,
    clock: { sleep: (ms: number, signal?: AbortSignal) => Promise<void> },
    signal: AbortSignal,
  ): Promise<void> {
    const early = new AbortController();
    if (!this.#rung) {
      const rung = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([
        rung,
        clock.sleep(ms, AbortSignal.any([early.signal, signal])).catch(() => undefined),
      ]);
      early.abort();
    }
    this.#rung = false;
    this.#wake = undefined;
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
