import type { Clock } from "../lib/clock.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";
import { isOver, type PhaseName, type Run, type RunId, type RunLine } from "./run.ts";

const runs = "runs";
/** Lines of a run beyond this are dropped, with a note: a chatty job must not fill the disk. */
const defaultMaxLines = 20_000;
const maxLineLength = 2_000;
/** Of older runs of a source only the facts are kept, not the lines. */
const runsWithLines = 50;

/** Runs and their output, durable; who listens hears of every change once it is stored. */
export class RunBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #maxLines: number;
  readonly #listeners = new Set<(id: RunId) => void>();
  readonly #lastSeq = new Map<RunId, number>();

  constructor(store: Store, clock: Clock, maxLines: number = defaultMaxLines) {
    this.#store = store;
    this.#clock = clock;
    this.#maxLines = maxLines;
  }

  get(id: RunId): Run | undefined {
    return this.#store.records.get<Run>(runs, id);
  }

  put(run: Run): void {
    this.#store.records.put(runs, run.id, run);
    this.#tell(run.id);
  }

  /** Reads again before it writes: an operator may have set `control` meanwhile. */
  update(id: RunId, change: (run: Run) => Run): Run {
    const changed = this.#store.transaction(() => {
      const known = this.get(id);
      if (!known) throw new Error(`run ${id} vanished`);
      const next = change(known);
      this.#store.records.put(runs, id, next);
      return next;
    });
    this.#tell(id);
    return changed;
  }

  /** Newest first; ids sort by time. */
  list(limit: number, of?: { source?: string; scope?: Scope }): Run[] {
    const all = this.#store.records.list<Run>(runs, { newestFirst: true, limit: of ? 1000 : limit });
    return all
      .map(({ value }) => value)
      .filter((run) => of?.source === undefined || run.source === of.source)
      .filter((run) => of?.scope === undefined || scopeKey(run.scope) === scopeKey(of.scope))
      .slice(0, limit);
  }

  /** Oldest first. */
  unfinished(scope?: Scope): Run[] {
    return this.list(1000, scope ? { scope } : {})
      .filter((run) => !isOver(run.state))
      .reverse();
  }

  write(id: RunId, entry: { phase: PhaseName; job?: string; line: string }): void {
    const seq = this.#nextSeq(id);
    if (seq > this.#maxLines) return;
    const line = seq === this.#maxLines ? "… more output is not kept" : entry.line.slice(0, maxLineLength);
    const kept: RunLine = { ...entry, line, seq, at: this.#clock.now() };
    this.#store.records.put(linesOf(id), padded(seq), kept);
    this.#tell(id);
  }

  lines(id: RunId, afterSeq: number, limit: number): RunLine[] {
    const query = { after: padded(afterSeq), limit };
    return this.#store.records.list<RunLine>(linesOf(id), query).map(({ value }) => value);
  }

  lastLines(id: RunId, count: number): RunLine[] {
    const query = { newestFirst: true, limit: count };
    return this.#store.records
      .list<RunLine>(linesOf(id), query)
      .map(({ value }) => value)
      .reverse();
  }

  /** Drops the output of old runs of a source. */
  forgetOldLines(source: string): void {
    for (const old of this.list(runsWithLines * 2, { source }).slice(runsWithLines)) {
      this.#lastSeq.delete(old.id);
      for (const { key } of this.#store.records.list(linesOf(old.id), { limit: this.#maxLines }))
        this.#store.records.remove(linesOf(old.id), key);
    }
  }

  onChange(listener: (id: RunId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #nextSeq(id: RunId): number {
    const last = this.#lastSeq.get(id) ?? this.lastLines(id, 1)[0]?.seq ?? 0;
    this.#lastSeq.set(id, last + 1);
    return last + 1;
  }

  #tell(id: RunId): void {
    for (const listener of [...this.#listeners]) listener(id);
  }
}

function linesOf(id: RunId): string {
  return `run-lines/${id}`;
}

function padded(seq: number): string {
  return String(seq).padStart(8, "0");
}
