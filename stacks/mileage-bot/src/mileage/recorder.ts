import { setTimeout as delay } from "node:timers/promises";
import { isPermanent } from "../database/failure.ts";
import { log, reasonOf } from "../log.ts";
import { type StoredEntry, type SubmittedEntry, saysTheSame } from "./entry.ts";
import type { EntryStore } from "./entry-store.ts";
import { Spool } from "./spool.ts";

export type RecordOutcome =
  | { kind: "stored"; entry: StoredEntry; repeated: boolean }
  | { kind: "queued" }
  | { kind: "key-taken" }
  | { kind: "full" };

export type QueueView = {
  waiting: number;
  rejected: number;
  /** The bounded retries ended without success; the entries are kept. */
  gaveUp: boolean;
  lastError?: string;
};

export type RecorderLimits = {
  /** Rounds of the background retry before it gives up: 20 are about 80 seconds. */
  rounds: number;
  firstDelayMs: number;
  longestDelayMs: number;
  capacity: number;
};

type Waiting = { entry: SubmittedEntry; onDisk: Promise<void> };

const usual: RecorderLimits = { rounds: 20, firstDelayMs: 250, longestDelayMs: 5_000, capacity: 10_000 };

/**
 * Writes mileage entries so that none is lost and none is doubled. `stored` is answered after the commit; `queued`
 * only after the entry lies on disk. Retries are safe because the key of an entry is unique in the database.
 */
export class Recorder {
  readonly #store: EntryStore;
  readonly #spool: Spool;
  readonly #limits: RecorderLimits;
  readonly #waiting = new Map<string, Waiting>();
  readonly #stopping = new AbortController();
  #draining: Promise<void> | undefined;
  #rejected = 0;
  #gaveUp = false;
  #lastError: string | undefined;

  constructor(store: EntryStore, spool: Spool, limits: Partial<RecorderLimits> = {}) {
    this.#store = store;
    this.#spool = spool;
    this.#limits = { ...usual, ...limits };
  }

  /** Takes up what an earlier run left queued. */
  async start(): Promise<void> {
    const { waiting, rejected } = await this.#spool.load();
    for (const { name, entry } of waiting) this.#waiting.set(name, { entry, onDisk: Promise.resolve() });
    this.#rejected = rejected;
    if (waiting.length > 0) log.info("queued entries found", { waiting: waiting.length });
    this.#wake();
  }

  async record(entry: SubmittedEntry): Promise<RecordOutcome> {
    const name = Spool.nameOf(entry);
    const queued = this.#waiting.get(name);
    if (queued) return repeatQueued(queued, entry);
    // While entries wait the database is known to be away: asking it again would only make each caller wait.
    if (this.#waiting.size === 0 || this.#gaveUp) {
      const direct = await this.#tryDirectly(entry);
      if (direct) return direct;
    }
    return this.#queue(name, entry);
  }

  view(): QueueView {
    const { size } = this.#waiting;
    return {
      waiting: size,
      rejected: this.#rejected,
      gaveUp: this.#gaveUp,
      ...(size > 0 && this.#lastError !== undefined ? { lastError: this.#lastError } : {}),
    };
  }

  /** An administrator's "try again" after the retries were given up. */
  retry(): void {
    this.#wake();
  }

  /** What is queued stays on disk for the next run. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#draining;
  }

  async #tryDirectly(entry: SubmittedEntry): Promise<RecordOutcome | undefined> {
    try {
      const outcome = await this.#store.insert(entry);
      if (this.#gaveUp) this.#wake();
      return outcome;
    } catch (error) {
      if (isPermanent(error)) throw error;
      this.#lastError = reasonOf(error);
      return undefined;
    }
  }

  async #queue(name: string, entry: SubmittedEntry): Promise<RecordOutcome> {
    // The same key may have been queued while this one asked the database.
    const other = this.#waiting.get(name);
    if (other) return repeatQueued(other, entry);
    if (this.#waiting.size >= this.#limits.capacity) return { kind: "full" };
    // The place is taken before the write, so that parallel entries cannot exceed the capacity.
    const onDisk = this.#spool.put(name, entry);
    this.#waiting.set(name, { entry, onDisk });
    try {
      await onDisk;
    } catch (error) {
      this.#waiting.delete(name);
      throw error;
    }
    this.#wake();
    return { kind: "queued" };
  }

  #wake(): void {
    if (this.#draining || this.#waiting.size === 0 || this.#stopping.signal.aborted) return;
    this.#gaveUp = false;
    this.#draining = this.#drain().finally(() => {
      this.#draining = undefined;
      // Something queued in the last moment of a drain must not wait for the next write.
      if (!this.#gaveUp) this.#wake();
    });
  }

  async #drain(): Promise<void> {
    const { rounds, firstDelayMs, longestDelayMs } = this.#limits;
    for (let round = 0; round < rounds; round += 1) {
      // With jitter, so that several writers do not come back in step.
      const wait = Math.min(firstDelayMs * 2 ** round, longestDelayMs) * (0.5 + Math.random() / 2);
      await delay(wait, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
      if (await this.#passOnce()) return;
    }
    this.#gaveUp = true;
    log.error("gave up storing queued entries; they are kept", this.view());
  }

  /** Stores in the order of acceptance; true when nothing is left that a retry could help. */
  async #passOnce(): Promise<boolean> {
    for (const [name, { entry, onDisk }] of this.#waiting) {
      if (this.#stopping.signal.aborted) return true;
      const kept = await onDisk.then(
        () => true,
        () => false,
      );
      if (!kept) continue;
      try {
        const outcome = await this.#store.insert(entry);
        if (outcome.kind === "key-taken") await this.#setAside(name, "the key was used for another entry");
        else await this.#done(name);
      } catch (error) {
        this.#lastError = reasonOf(error);
        if (!isPermanent(error)) return false;
        await this.#setAside(name, this.#lastError);
      }
    }
    if (this.#waiting.size === 0) log.info("all queued entries are stored");
    return this.#waiting.size === 0;
  }

  async #done(name: string): Promise<void> {
    await this.#spool.remove(name);
    this.#waiting.delete(name);
  }

  async #setAside(name: string, reason: string): Promise<void> {
    log.error("queued entry refused by the database and put aside", { file: name, reason });
    await this.#spool.reject(name, reason);
    this.#waiting.delete(name);
    this.#rejected += 1;
  }
}

/** A repetition is acknowledged no earlier than the first one. */
async function repeatQueued(queued: Waiting, entry: SubmittedEntry): Promise<RecordOutcome> {
  if (!saysTheSame(queued.entry, entry)) return { kind: "key-taken" };
  await queued.onDisk;
  return { kind: "queued" };
}
