import type { EdgeObserved } from "../edge/port.ts";
import { writeFileAtomic } from "../lib/atomic-file.ts";
import type { Scope } from "../rollout/ids.ts";
import type { ScopeState } from "../store/port.ts";
import { edgeConfigOf, type RoutedScope } from "./edge-config.ts";
import type { EngineParts } from "./parts.ts";
import type { ReleaseBook } from "./release-book.ts";
import { siteFile } from "./site-values.ts";

const writtenLimit = 1000;

/**
 * The only writer of the edge. All stacks share one configuration, so changes go one after another: durable state
 * first, then the edge, and the caller goes on only when the edge has confirmed. Killed in between, the next
 * start sends the same configuration again.
 */
export class EdgeDirector {
  readonly #parts: EngineParts;
  readonly #book: ReleaseBook;
  #tail: Promise<unknown> = Promise.resolve();
  /** Changes that wait for their turn; they then go together, as one configuration. */
  #waiting: Waiting[] = [];
  #wanted = 0;
  /** Folders of run-time values that this process has written: what is in them never changes. */
  readonly #written = new Set<string>();

  constructor(parts: EngineParts, book: ReleaseBook) {
    this.#parts = parts;
    this.#book = book;
  }

  /**
   * Changes the scope's state in the store and makes the edge follow. What is asked for while the edge is busy is sent
   * together afterwards: six services that become ready at once are one reload, not six. `change` may be called twice.
   */
  change(scope: Scope, change: (state: ScopeState) => ScopeState, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ scope, change, signal, resolve, reject });
      void this.#inTurn(() => this.#takeWaiting());
    });
  }

  async #takeWaiting(): Promise<void> {
    const batch = this.#waiting.splice(0);
    const [first] = batch;
    if (!first) return;
    try {
      await this.#changeTogether(batch);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length === 1) first.reject(error);
      // One of them is refused, or was given up: each for itself, so that the others do not suffer.
      else for (const one of batch) await this.#changeTogether([one]).then(one.resolve, one.reject);
    }
  }

  async #changeTogether(batch: readonly Waiting[]): Promise<void> {
    const { scopes } = this.#parts.store;
    const before = batch.map(({ scope }) => scopes.get(scope));
    try {
      for (const { scope, change } of batch) scopes.update(scope, change);
      await this.#apply(AbortSignal.any(batch.map(({ signal }) => signal)));
    } catch (error) {
      // What the edge refuses must not stand in the way of the next change, of this stack or another.
      for (const [at, { scope }] of [...batch.entries()].reverse()) {
        const known = before[at];
        if (known) scopes.update(scope, (state) => ({ ...state, routing: known.routing }));
      }
      throw error;
    }
  }

  /** Sends the configuration that durable state asks for: at start, and when the edge has lost it. */
  sync(signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#apply(signal));
  }

  /** The configuration that the edge should run: the last one sent, confirmed or not. */
  get version(): number {
    return this.#wanted;
  }

  observe(signal: AbortSignal): Promise<EdgeObserved> {
    return this.#parts.edge.observe(signal);
  }

  async #apply(signal: AbortSignal): Promise<void> {
    const { store, edge, settings } = this.#parts;
    const routed = store.scopes.list().map((state) => this.#routed(state));
    const config = edgeConfigOf(routed, settings);
    // The edge must never be told of a file that is not there yet.
    await this.#writeValues(routed);
    const version = store.scopes.nextEdgeVersion();
    this.#wanted = version;
    await edge.apply(config, version, signal);
  }

  async #writeValues(routed: readonly RoutedScope[]): Promise<void> {
    const sites = routed.flatMap(({ current }) => current?.services.filter(({ site }) => site?.config) ?? []);
    for (const site of sites)
      for (const route of site.routes) {
        const file = siteFile(site, route, this.#parts.settings.sitesFolder);
        if (file === undefined || this.#written.has(file.root)) continue;
        await writeFileAtomic(file.root + file.path, file.text, 0o644);
        if (this.#written.size >= writtenLimit) this.#written.clear();
        this.#written.add(file.root);
      }
  }

  #routed(state: ScopeState): RoutedScope {
    return {
      state,
      serviceOf: (name, routing) =>
        this.#book.stack(routing.release).services.find((service) => service.name === name),
      ...(state.current ? { current: this.#book.stack(state.current) } : {}),
    };
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const next = this.#tail.then(work, work);
    this.#tail = next.catch(() => undefined);
    return next;
  }
}

type Waiting = {
  scope: Scope;
  change: (state: ScopeState) => ScopeState;
  signal: AbortSignal;
  resolve: () => void;
  reject: (error: unknown) => void;
};
