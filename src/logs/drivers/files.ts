import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../lib/platform-error.ts";
import { type Scope, scopeKey } from "../../rollout/ids.ts";
import { logError } from "../errors.ts";
import { Followers } from "../followers.ts";
import type {
  LogBatch,
  LogBounds,
  LogFilter,
  LogPage,
  LogSearch,
  LogStore,
  LogUsage,
  StoredLine,
} from "../port.ts";
import { defaultBounds } from "../port.ts";
import { ScopeLog } from "./files/scope-log.ts";
import { searchParts, viewOf } from "./files/search-parts.ts";

export type FileLogOptions = {
  /** One folder for each stack, below it one for each environment. */
  folder: string;
  bounds?: Partial<LogBounds>;
  /** Plain bytes of a partition. @default 8 MiB */
  partBytes?: number;
  now?: () => number;
  /** Lines could not be written: how many characters were lost, and why. */
  onProblem?: (message: string) => void;
};

const flushMs = 1000;
/** Written before the second is over. */
const flushLength = 256 * 1024;
const pruneEveryMs = 60_000;
const dayMs = 24 * 3600 * 1000;

/**
 * Lines in partitions of plain files, packed when they are full or a day old: about 2 µs of CPU and 35 bytes of disk a
 * line, where SQLite with a full-text index takes 12 to 42 µs and 290 to 420 bytes. A search reads what can match.
 */
export class FileLogStore implements LogStore {
  readonly #options: FileLogOptions;
  readonly #bounds: LogBounds;
  readonly #now: () => number;
  readonly #logs = new Map<string, ScopeLog>();
  readonly #dirty = new Set<ScopeLog>();
  readonly #followers = new Followers();
  #timer: NodeJS.Timeout | undefined;
  readonly #pruning: NodeJS.Timeout;
  #sealing: Promise<void> = Promise.resolve();
  #closed = false;

  /** @throws LOGS_UNAVAILABLE */
  constructor(options: FileLogOptions) {
    this.#options = options;
    this.#bounds = { ...defaultBounds, ...options.bounds };
    this.#now = options.now ?? Date.now;
    try {
      mkdirSync(options.folder, { recursive: true, mode: 0o700 });
      for (const stack of foldersIn(options.folder))
        for (const environment of foldersIn(join(options.folder, stack))) this.#logOf({ stack, environment });
    } catch (error) {
      throw logError("LOGS_UNAVAILABLE", `${options.folder}: ${messageOf(error)}`, error);
    }
    this.#pruning = setInterval(() => {
      this.prune().catch((error: unknown) => this.#problem(error));
    }, pruneEveryMs);
    this.#pruning.unref();
  }

  append(batch: LogBatch): void {
    if (this.#closed) return;
    try {
      const log = this.#logOf(batch.scope);
      log.append(batch, this.#followers.active ? (line) => this.#followers.publish(line) : undefined);
      this.#dirty.add(log);
      if (log.open.pendingLength >= flushLength) this.#flush(log);
      this.#timer ??= setTimeout(() => this.flush(), flushMs).unref();
    } catch (error) {
      this.#problem(error);
    }
  }

  positions(scope: Scope): Readonly<Record<string, string>> {
    return this.#logs.get(scopeKey(scope))?.positions() ?? {};
  }

  async search(search: LogSearch, signal: AbortSignal): Promise<LogPage> {
    this.flush();
    return searchParts(viewOf(this.#logs.values(), search), search, signal);
  }

  follow(filter: LogFilter, { tail }: { tail: number }, signal: AbortSignal): AsyncIterable<StoredLine> {
    return this.#followers.follow((search, stop) => this.search(search, stop), { filter, tail }, signal);
  }

  usage(): LogUsage {
    const scopes = [...this.#logs.values()].map(({ scope, bytes, oldestAt }) =>
      oldestAt === undefined ? { scope, bytes } : { scope, bytes, oldestAt },
    );
    return { scopes, bytes: scopes.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const log of this.#dirty) this.#flush(log);
    this.#dirty.clear();
  }

  async prune(): Promise<void> {
    if (this.#closed) return;
    for (const log of this.#logs.values()) this.#flush(log);
    await this.#seal();
    const oldest = this.#now() - this.#bounds.maxAgeMs;
    for (const log of this.#logs.values()) {
      while (log.sealed.some((part) => part.maxAt < oldest) && (log.sealed[0]?.maxAt ?? 0) < oldest)
        await log.removeOldest();
      while (log.bytes > this.#bounds.maxBytesPerScope && log.sealed.length > 0) await log.removeOldest();
    }
    while (this.usage().bytes > this.#bounds.maxBytes) {
      const log = [...this.#logs.values()]
        .filter(({ sealed }) => sealed.length > 0)
        .sort((a, b) => (a.sealed[0]?.maxAt ?? 0) - (b.sealed[0]?.maxAt ?? 0))[0];
      if (!log) return;
      await log.removeOldest();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    clearInterval(this.#pruning);
    await this.#sealing;
    for (const log of this.#logs.values()) log.close();
  }

  #logOf(scope: Scope): ScopeLog {
    const key = scopeKey(scope);
    const known = this.#logs.get(key);
    if (known) return known;
    const { maxBytesPerScope, maxBytes } = this.#bounds;
    const most = Math.min(maxBytesPerScope, maxBytes);
    const log = new ScopeLog(scope, join(this.#options.folder, scope.stack, scope.environment), {
      partBytes: Math.min(this.#options.partBytes ?? 8 * 1024 * 1024, Math.ceil(most / 8)),
      partMs: Math.min(dayMs, Math.ceil(this.#bounds.maxAgeMs / 8)),
      now: this.#now,
    });
    this.#logs.set(key, log);
    return log;
  }

  #flush(log: ScopeLog): void {
    const waiting = log.full.length;
    try {
      log.flush();
    } catch (error) {
      this.#problem(error);
    }
    // In its own time: the bounds are kept as partitions come, not once a minute.
    if (log.full.length > waiting) this.prune().catch((error: unknown) => this.#problem(error));
  }

  #seal(): Promise<void> {
    this.#sealing = this.#sealing
      .then(async () => {
        for (const log of this.#logs.values()) await log.seal();
      })
      .catch((error: unknown) => this.#problem(error));
    return this.#sealing;
  }

  #problem(error: unknown): void {
    this.#options.onProblem?.(`log lines could not be kept: ${messageOf(error)}`);
  }
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
