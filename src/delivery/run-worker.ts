import { messageOf, PlatformError } from "../lib/platform-error.ts";
import { DeliveryError } from "./errors.ts";
import { gatherStack } from "./gather-stack.ts";
import type { DeliveryParts } from "./parts.ts";
import type { Phase, PhaseOutcome, RunWorld } from "./phase.ts";
import { isOver, type PhaseRecord, type Run, type RunFailure, type RunId } from "./run.ts";
import type { RunBook } from "./run-book.ts";
import { sourceSettings } from "./source-settings.ts";

const shownLines = 20;

/** Takes one run through its phases. All it knows is stored before the next thing happens, so it can be killed anywhere. */
export class RunWorker {
  readonly #parts: DeliveryParts;
  readonly #book: RunBook;

  constructor(parts: DeliveryParts, book: RunBook) {
    this.#parts = parts;
    this.#book = book;
  }

  /** Returns when the run is over or the control plane stops. */
  async work(id: RunId, stop: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    this.#book.update(id, (run) => ({
      ...run,
      state: "running",
      startedAt: run.startedAt ?? clock.now(),
      phases: this.#parts.phases.map(
        ({ name }) => run.phases.find((phase) => phase.name === name) ?? { name, state: "pending" },
      ),
    }));
    for (const phase of this.#parts.phases) {
      const done = await this.#goThrough(phase, id, stop);
      if (!done) return;
    }
    this.#end(id, (run) => ({ ...run, state: "succeeded" }));
  }

  /** False when the run is over or we stop. */
  async #goThrough(phase: Phase, id: RunId, stop: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts;
    for (;;) {
      const record = this.#record(id, phase);
      if (record.state === "done" || record.state === "skipped") return true;
      this.#mark(id, phase, { state: "running", startedAt: record.startedAt ?? clock.now() });
      const controls = this.#watchControls(id, stop);
      try {
        const outcome = await phase.run(this.#world(phase, id, controls.signal));
        if (outcome.kind !== "waiting") {
          this.#mark(id, phase, { state: outcome.kind, detail: outcome.detail, finishedAt: clock.now() });
          return true;
        }
        const isNews = record.state !== "waiting" || outcome.remind === true;
        await this.#wait(phase, id, { ...outcome, isNews }, stop);
      } catch (error) {
        if (stop.aborted) return false;
        this.#fail(id, phase, controls.abortedBy() ?? error);
        return false;
      } finally {
        controls.done();
      }
      const run = this.#book.get(id);
      if (stop.aborted || !run || isOver(run.state)) return false;
    }
  }

  async #wait(
    phase: Phase,
    id: RunId,
    outcome: Extract<PhaseOutcome, { kind: "waiting" }> & { isNews: boolean },
    stop: AbortSignal,
  ): Promise<void> {
    this.#book.update(id, (run) => ({ ...run, state: "waiting" }));
    this.#mark(id, phase, { state: "waiting", detail: outcome.detail });
    const waiting = this.#book.get(id);
    if (outcome.isNews && waiting) this.#parts.onNews?.(waiting);
    const early = new AbortController();
    const stopListening = this.#book.onChange((changed) => {
      const run = changed === id ? this.#book.get(id) : undefined;
      if (run?.control || (run && isOver(run.state))) early.abort();
    });
    const known = this.#book.get(id);
    if (known?.control || (known && isOver(known.state))) early.abort();
    await this.#parts.clock
      .sleep(outcome.againMs, AbortSignal.any([stop, early.signal]))
      .catch(() => undefined);
    stopListening();
    const run = this.#book.get(id);
    if (run && !isOver(run.state)) this.#book.update(id, (now) => ({ ...now, state: "running" }));
  }

  /** An abort by an operator, or a run that was superseded while it waited, ends what runs. */
  #watchControls(id: RunId, stop: AbortSignal) {
    const aborted = new AbortController();
    const look = () => {
      const run = this.#book.get(id);
      if (run?.control?.kind === "abort" && !aborted.signal.aborted) {
        const { by, reason } = run.control;
        const why = reason === "" ? "" : `: ${reason}`;
        aborted.abort(new DeliveryError("DELIVERY_ABORTED", `aborted by ${by}${why}`));
      }
    };
    const done = this.#book.onChange((changed) => changed === id && look());
    look();
    return {
      signal: AbortSignal.any([stop, aborted.signal]),
      abortedBy: (): unknown => (aborted.signal.aborted ? aborted.signal.reason : undefined),
      done,
    };
  }

  #world(phase: Phase, id: RunId, signal: AbortSignal): RunWorld {
    const { parts, book } = { parts: this.#parts, book: this.#book };
    const run = this.#known(id);
    const settings = sourceSettings(parts.store, run.source);
    let gathered: ReturnType<typeof gatherStack> | undefined;
    const folder = () => parts.sources.checkout(run.source, run.commit, signal);
    return {
      parts,
      book,
      run,
      settings,
      say: (line, job) =>
        book.write(id, {
          phase: phase.name,
          line: parts.mask(run.scope, line),
          ...(job === undefined ? {} : { job }),
        }),
      folder,
      gathered: async () => {
        gathered ??= gatherStack(parts, { run, settings, folder: await folder() }, signal);
        return await gathered;
      },
      progress: this.#record(id, phase).progress,
      save: (progress) => this.#mark(id, phase, { progress }),
      control: () => book.get(id)?.control,
      update: (change) => void book.update(id, (now) => ({ ...now, ...change })),
      signal,
    };
  }

  #fail(id: RunId, phase: Phase, error: unknown): void {
    const failure = this.#failureOf(id, phase, error);
    this.#mark(id, phase, {
      state: "failed",
      detail: failure.message,
      finishedAt: this.#parts.clock.now(),
    });
    const state =
      failure.code === "DELIVERY_ABORTED"
        ? "aborted"
        : failure.code === "DELIVERY_REJECTED"
          ? "rejected"
          : "failed";
    if (!(error instanceof PlatformError))
      this.#parts.log("error", `run ${id}, ${phase.name}: ${messageOf(error)}`, { error: String(error) });
    this.#end(id, (run) => ({ ...run, state, failure }));
  }

  #failureOf(id: RunId, phase: Phase, error: unknown): RunFailure {
    const scope = this.#known(id).scope;
    const mask = (text: string) => this.#parts.mask(scope, text);
    const own = error instanceof DeliveryError ? error.lastLines : [];
    const lines = own.length > 0 ? own : this.#book.lastLines(id, shownLines).map(({ line }) => line);
    return {
      phase: phase.name,
      code: error instanceof PlatformError ? error.code : "DELIVERY_FAULT",
      message: mask(messageOf(error)),
      ...(error instanceof PlatformError && error.hint !== undefined ? { hint: error.hint } : {}),
      ...(lines.length === 0 ? {} : { lastLines: lines.map(mask) }),
    };
  }

  #end(id: RunId, change: (run: Run) => Run): void {
    const ended = this.#book.update(id, (run) =>
      isOver(run.state) ? run : { ...change(run), finishedAt: this.#parts.clock.now() },
    );
    this.#parts.onNews?.(ended);
  }

  #mark(id: RunId, phase: Phase, change: Partial<PhaseRecord>): void {
    this.#book.update(id, (run) => ({
      ...run,
      phases: run.phases.map((record) => (record.name === phase.name ? { ...record, ...change } : record)),
    }));
  }

  #record(id: RunId, phase: Phase): PhaseRecord {
    const found = this.#known(id).phases.find((record) => record.name === phase.name);
    return found ?? { name: phase.name, state: "pending" };
  }

  #known(id: RunId): Run {
    const run = this.#book.get(id);
    if (!run) throw new DeliveryError("DELIVERY_RUN_UNKNOWN", `there is no run ${id}`);
    return run;
  }
}
