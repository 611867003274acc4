import type { Actor } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { DeliveryError } from "./errors.ts";
import { isHeld, overrideControl } from "./freeze.ts";
import type { DeliveryParts } from "./parts.ts";
import { assertMayDecide } from "./phases/approve.ts";
import { isOver, type Run, type RunId, type RunState, type Trigger } from "./run.ts";
import { RunBook } from "./run-book.ts";
import { RunWorker } from "./run-worker.ts";

export type RunRequest = {
  source: string;
  scope: Scope;
  ref: string;
  commit: string;
  subject: string;
  author: string;
  trigger: Trigger;
} & Pick<Run, "services" | "fetchRef" | "target" | "checksOnly" | "noCache">;

/**
 * Every way in (push, webhook, poll, command) ends here: one run at a time for a stack and environment, the newest of
 * the others waits, older ones are superseded, and two triggers for the same commit are one run.
 */
export class Delivery {
  readonly book: RunBook;
  readonly #parts: DeliveryParts;
  readonly #working = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.book = new RunBook(parts.store, parts.clock);
  }

  /** Takes up the runs that a crash or restart has left. */
  start(): void {
    for (const run of this.book.unfinished()) this.#wake(run.scope);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await Promise.all(this.#working.values());
  }

  /** Accepted durably when it returns. */
  accept(request: RunRequest, by: Actor): Run {
    const { store, clock, ids, phases } = this.#parts;
    const run = store.transaction(() => {
      const waiting = this.book.unfinished(request.scope);
      // One that is being ended brings nothing any more.
      const same = waiting.find(
        (other) =>
          other.commit === request.commit &&
          covers(other, request) &&
          (other.noCache || !request.noCache) &&
          other.control?.kind !== "abort",
      );
      if (same) return same;
      const now = clock.now();
      const fresh: Run = {
        ...request,
        id: ids.next("run") as RunId,
        requestedBy: by.name,
        reason: by.reason,
        createdAt: now,
        state: "queued",
        phases: phases.map(({ name }) => ({ name, state: "pending" })),
      };
      for (const older of waiting)
        if ((older.state === "queued" || older.state === "waiting") && covers(fresh, older))
          this.#supersede(older, fresh.id, now);
      this.book.put(fresh);
      return fresh;
    });
    this.#wake(request.scope);
    return run;
  }

  approve(id: RunId, by: Actor): Run {
    return this.#decide(id, "approve", by);
  }

  /** Lets a run that waits for a freeze or a window to end go on at once. */
  override(id: RunId, by: Actor): Run {
    const run = this.#known(id);
    if (!isHeld(run))
      throw new DeliveryError("DELIVERY_NOT_FROZEN", `the run ${id} waits for no freeze and no window`);
    const changed = this.book.update(id, (known) => ({ ...known, control: overrideControl(by) }));
    this.#wake(run.scope);
    return changed;
  }

  reject(id: RunId, by: Actor): Run {
    return this.#decide(id, "reject", by);
  }

  /** A queued run ends at once; a running one stops its job or its deployment and then ends. */
  abort(id: RunId, by: Actor): Run {
    const run = this.#known(id);
    if (isOver(run.state)) throw new DeliveryError("DELIVERY_RUN_OVER", `the run ${id} has ended`);
    const control = { kind: "abort" as const, by: by.name, reason: by.reason };
    const changed = this.book.update(id, (known) =>
      known.state === "queued" ? this.#ended({ ...known, control }, "aborted") : { ...known, control },
    );
    this.#wake(run.scope);
    return changed;
  }

  /** Whatever is under way for an environment that goes away. */
  abortAll(scope: Scope, by: Actor): void {
    for (const run of this.book.unfinished(scope)) if (run.control?.kind !== "abort") this.abort(run.id, by);
  }

  #decide(id: RunId, kind: "approve" | "reject", by: Actor): Run {
    const run = this.#known(id);
    if (run.state !== "waiting" || !run.phases.some((p) => p.name === "approve" && p.state === "waiting"))
      throw new DeliveryError("DELIVERY_NOT_WAITING", `the run ${id} does not wait for approval`);
    const { name, reason, aliases } = by;
    const control = { kind, by: name, reason, ...(aliases ? { aliases } : {}) };
    assertMayDecide(run, kind, by);
    const changed = this.book.update(id, (known) => ({ ...known, control }));
    this.#wake(run.scope);
    return changed;
  }

  #known(id: RunId): Run {
    const run = this.book.get(id);
    if (!run) throw new DeliveryError("DELIVERY_RUN_UNKNOWN", `there is no run ${id}`);
    return run;
  }

  #supersede(older: Run, by: RunId, now: number): void {
    const first = older.phases.find((phase) => phase.state !== "done" && phase.state !== "skipped");
    this.book.update(older.id, (run) => ({
      ...run,
      state: "superseded",
      finishedAt: now,
      failure: {
        phase: first?.name ?? "fetch",
        code: "DELIVERY_SUPERSEDED",
        message: `superseded by ${by}`,
      },
    }));
  }

  #ended(run: Run, state: RunState): Run {
    return { ...run, state, finishedAt: this.#parts.clock.now() };
  }

  /** One worker per stack and environment goes through its runs, oldest first. */
  #wake(scope: Scope): void {
    const key = scopeKey(scope);
    const busy = this.#working.get(key);
    if (busy || this.#stop.signal.aborted) return;
    const work = this.#workOff(scope).finally(() => {
      this.#working.delete(key);
      // A run that came in between the last look and here.
      if (!this.#stop.signal.aborted && this.book.unfinished(scope).length > 0) this.#wake(scope);
    });
    this.#working.set(key, work);
  }

  async #workOff(scope: Scope): Promise<void> {
    // Not inside the transaction of who woke us.
    await Promise.resolve();
    const worker = new RunWorker(this.#parts, this.book);
    while (!this.#stop.signal.aborted) {
      const [next] = this.book.unfinished(scope);
      if (!next) return;
      await worker.work(next.id, this.#stop.signal);
      this.book.forgetOldLines(next.source);
    }
  }
}

type Reach = Pick<Run, "services" | "checksOnly">;

/** What the one does, the other does too: the whole stack covers a part of it, a deployment covers mere checks. */
function covers(one: Reach, other: Reach): boolean {
  if (one.checksOnly && !other.checksOnly) return false;
  const { services } = one;
  return services === undefined || (other.services?.every((name) => services.includes(name)) ?? false);
}
