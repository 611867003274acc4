import { type Scope, scopeKey } from "../../rollout/ids.ts";
import { Followers } from "../followers.ts";
import { lineMatcher, scopeMatches, spanOf } from "../match-line.ts";
import { comparePlaces, lineId, type Place } from "../place.ts";
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

type Kept = { line: StoredLine; place: Place };

/** Everything in one array, for tests; nothing survives. A line counts as one byte per character. */
export class MemoryLogStore implements LogStore {
  readonly #bounds: LogBounds;
  readonly #now: () => number;
  readonly #followers = new Followers();
  #lines: Kept[] = [];
  readonly #positions = new Map<string, Record<string, string>>();
  #seq = 0;

  constructor(options: { bounds?: Partial<LogBounds>; now?: () => number } = {}) {
    this.#bounds = { ...defaultBounds, ...options.bounds };
    this.#now = options.now ?? Date.now;
  }

  append({ scope, lines, positions = {} }: LogBatch): void {
    for (const line of lines) {
      this.#seq += 1;
      const place = { at: line.at, scope: scopeKey(scope), seq: this.#seq };
      const stored = { ...line, scope, id: lineId(line.at, this.#seq, scope) };
      this.#lines.push({ line: stored, place });
      this.#followers.publish(stored);
    }
    const known = { ...this.#positions.get(scopeKey(scope)), ...positions };
    for (const [key, value] of Object.entries(known)) if (value === "") delete known[key];
    this.#positions.set(scopeKey(scope), known);
  }

  positions(scope: Scope): Readonly<Record<string, string>> {
    return this.#positions.get(scopeKey(scope)) ?? {};
  }

  async search(search: LogSearch, signal: AbortSignal): Promise<LogPage> {
    signal.throwIfAborted();
    const { from, to, forward } = spanOf(search);
    const matches = lineMatcher(search);
    const found = this.#lines
      .filter(
        ({ line, place }) =>
          scopeMatches(search, place.scope) &&
          (from === undefined || comparePlaces(place, from) > 0) &&
          comparePlaces(place, to) < 0 &&
          matches(line),
      )
      .sort((a, b) => comparePlaces(a.place, b.place))
      .map(({ line }) => line);
    const lines = forward
      ? found.slice(0, search.limit)
      : found.slice(Math.max(0, found.length - search.limit));
    const edge = forward ? lines.at(-1) : lines[0];
    return lines.length < found.length && edge ? { lines, next: edge.id } : { lines };
  }

  follow(filter: LogFilter, { tail }: { tail: number }, signal: AbortSignal): AsyncIterable<StoredLine> {
    return this.#followers.follow((search, stop) => this.search(search, stop), { filter, tail }, signal);
  }

  usage(): LogUsage {
    const scopes = new Map<string, { scope: Scope; bytes: number; oldestAt: number }>();
    for (const { line, place } of this.#lines) {
      const known = scopes.get(place.scope) ?? { scope: line.scope, bytes: 0, oldestAt: line.at };
      known.bytes += line.text.length;
      scopes.set(place.scope, known);
    }
    const all = [...scopes.values()];
    return { scopes: all, bytes: all.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  flush(): void {
    // Nothing is anywhere but here.
  }

  async prune(): Promise<void> {
    const oldest = this.#now() - this.#bounds.maxAgeMs;
    this.#lines = this.#lines.filter(({ line }) => line.at >= oldest);
    const used = new Map<string, number>();
    let all = 0;
    const kept: Kept[] = [];
    for (const entry of this.#lines.toReversed()) {
      const bytes = (used.get(entry.place.scope) ?? 0) + entry.line.text.length;
      if (bytes > this.#bounds.maxBytesPerScope || all + entry.line.text.length > this.#bounds.maxBytes)
        continue;
      used.set(entry.place.scope, bytes);
      all += entry.line.text.length;
      kept.push(entry);
    }
    this.#lines = kept.reverse();
  }

  async close(): Promise<void> {
    // Followers end with their own signals.
  }
}
