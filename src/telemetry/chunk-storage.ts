import type { MetricName } from "./metrics.ts";
import type { Labels } from "./port.ts";

/** 0: 10 s, 1: one minute, 2: one hour. */
export type Level = 0 | 1 | 2;

export const levels = [
  { width: 10_000, chunk: 3_600_000, kept: 25 * 3_600_000 },
  { width: 60_000, chunk: 3_600_000, kept: 31 * 86_400_000 },
  { width: 3_600_000, chunk: 86_400_000, kept: 366 * 86_400_000 },
] as const satisfies Readonly<Record<Level, { width: number; chunk: number; kept: number }>>;

/** Points of one series from `at`, a multiple of the level's chunk length. */
export type Chunk = { level: Level; series: number; at: number; bytes: Uint8Array };

export type StoredSeries = { id: number; labels: Labels };

/** The totals that counters had at the last flush: what comes after a restart counts from there. */
export type CounterTotals = readonly (readonly [series: number, total: number, at: number])[];

/** Where the chunks lie. Each call is one transaction; `series-recorder.ts` decides what is written when. */
export interface ChunkStorage {
  /** Ids of these series, made where they are new. `at` of the pass that has them. */
  idsOf(series: readonly { metric: MetricName; labels: Labels }[], at: number): number[];
  seriesById(id: number): { metric: MetricName; labels: Labels } | undefined;
  /** Series of a metric with points at or after `from`. */
  find(metric: MetricName, from: number): StoredSeries[];

  appendJournal(bytes: Uint8Array, minute: number, totals: CounterTotals): void;
  /** In the order of writing, with the totals of the last. */
  readJournal(): { rows: { minute: number; bytes: Uint8Array }[]; totals: CounterTotals };
  /** Writes the chunks, remembers when their series were seen last, and empties the journal. */
  seal(chunks: readonly Chunk[], seenAt: number): void;
  /** Replaces what the same series and time held. */
  put(chunks: readonly Chunk[]): void;
  read(level: Level, series: readonly number[], times: { from: number; to: number }): Iterable<Chunk>;
  /** Ids above `after` of series seen at or after `from`, ascending. */
  seenSince(from: number, page: { after: number; limit: number }): number[];

  /** Removes at most `limit` chunks that begin before; answers how many. */
  removeChunks(level: Level, before: number, limit: number): number;
  removeSeries(seenBefore: number, limit: number): number;
  oldest(level: Level): number | undefined;
  usedBytes(): number;

  mark(name: "folded", value?: number): number | undefined;
  close(): void;
}
