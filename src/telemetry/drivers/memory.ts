import type { Chunk, ChunkStorage, CounterTotals, Level } from "../chunk-storage.ts";
import type { MetricName } from "../metrics.ts";
import type { Labels, Telemetry } from "../port.ts";
import { labelsKey, SeriesRecorder } from "../series-recorder.ts";

/** For tests and for trying out: everything is gone with the process. */
export function createMemoryTelemetry(): Telemetry {
  return new SeriesRecorder("memory", new MemoryChunks());
}

type KnownSeries = { metric: MetricName; labels: Labels; seenAt: number };

class MemoryChunks implements ChunkStorage {
  readonly #ids = new Map<string, number>();
  readonly #series = new Map<number, KnownSeries>();
  #chunks: Chunk[] = [];
  #journal: { minute: number; bytes: Uint8Array }[] = [];
  #totals: CounterTotals = [];
  #folded: number | undefined;
  #lastId = 0;

  idsOf(series: readonly { metric: MetricName; labels: Labels }[], at: number): number[] {
    return series.map(({ metric, labels }) => {
      const key = `${metric} ${labelsKey(labels)}`;
      const id = this.#ids.get(key) ?? ++this.#lastId;
      this.#ids.set(key, id);
      if (!this.#series.has(id)) this.#series.set(id, { metric, labels, seenAt: at });
      return id;
    });
  }

  seriesById(id: number): KnownSeries | undefined {
    return this.#series.get(id);
  }

  find(metric: MetricName, from: number) {
    return [...this.#series]
      .filter(([, series]) => series.metric === metric && series.seenAt >= from)
      .map(([id, { labels }]) => ({ id, labels }));
  }

  appendJournal(bytes: Uint8Array, minute: number, totals: CounterTotals): void {
    this.#journal.push({ minute, bytes });
    this.#totals = totals;
  }

  readJournal() {
    return { rows: this.#journal, totals: this.#totals };
  }

  seal(chunks: readonly Chunk[], seenAt: number): void {
    this.put(chunks);
    for (const { series } of chunks) {
      const known = this.#series.get(series);
      if (known) known.seenAt = seenAt;
    }
    this.#journal = [];
  }

  put(chunks: readonly Chunk[]): void {
    const keyOf = ({ level, series, at }: Chunk) => `${level} ${series} ${at}`;
    const replaced = new Set(chunks.map(keyOf));
    this.#chunks = [...this.#chunks.filter((chunk) => !replaced.has(keyOf(chunk))), ...chunks];
  }

  read(level: Level, series: readonly number[], { from, to }: { from: number; to: number }): Chunk[] {
    return this.#chunks.filter(
      (chunk) => chunk.level === level && series.includes(chunk.series) && chunk.at >= from && chunk.at < to,
    );
  }

  seenSince(from: number, { after, limit }: { after: number; limit: number }): number[] {
    return [...this.#series]
      .flatMap(([id, { seenAt }]) => (id > after && seenAt >= from ? [id] : []))
      .sort((a, b) => a - b)
      .slice(0, limit);
  }

  removeChunks(level: Level, before: number, limit: number): number {
    const old = this.#chunks.filter((chunk) => chunk.level === level && chunk.at < before).slice(0, limit);
    const gone = new Set(old);
    if (gone.size > 0) this.#chunks = this.#chunks.filter((chunk) => !gone.has(chunk));
    return gone.size;
  }

  removeSeries(seenBefore: number, limit: number): number {
    const old = [...this.#series].filter(([, { seenAt }]) => seenAt < seenBefore).slice(0, limit);
    for (const [id, { metric, labels }] of old) {
      this.#series.delete(id);
      this.#ids.delete(`${metric} ${labelsKey(labels)}`);
    }
    return old.length;
  }

  oldest(level: Level): number | undefined {
    const times = this.#chunks.filter((chunk) => chunk.level === level).map(({ at }) => at);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  usedBytes(): number {
    return this.#chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  mark(_name: "folded", value?: number): number | undefined {
    if (value !== undefined) this.#folded = value;
    return this.#folded;
  }

  close(): void {
    this.#chunks = [];
  }
}
