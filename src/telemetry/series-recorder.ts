import { ActiveSeries } from "./active-series.ts";
import { type Chunk, type ChunkStorage, levels } from "./chunk-storage.ts";
import { isMetricName, type MetricName } from "./metrics.ts";
import { decodePoints, joinBlocks, splitBlocks } from "./point-codec.ts";
import type { Labels, LatestQuery, LatestValue, RangeQuery, Sample, Series, Telemetry } from "./port.ts";
import { RangeCache } from "./range-cache.ts";
import { matches } from "./range-reader.ts";
import { Upkeep } from "./upkeep.ts";

/** More series at once are not recorded: a bound for memory, far above what one host runs. */
const seriesLimit = 20_000;
/** A series without a sample for so long is not among the latest. */
const latestMs = 120_000;
const defaultMaxBytes = 1024 ** 3;

/** Labels in one order: the same labels give the same text. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/**
 * Both drivers: the open hour is in memory and, minute by minute, in a journal; when the hour ends it becomes one chunk
 * for each series and level. What is in the journal is read back at the start, so a crash costs the open minute.
 */
export class SeriesRecorder implements Telemetry {
  readonly name: string;
  readonly #storage: ChunkStorage;
  readonly #upkeep: Upkeep;
  readonly #cache = new RangeCache();
  readonly #byId = new Map<number, ActiveSeries>();
  /** Metric -> labels as they were written -> series. */
  readonly #active = new Map<MetricName, Map<string, ActiveSeries>>();
  #hour = 0;
  #minute = 0;
  #newest = 0;
  #isFirst: boolean;
  #closed = false;

  constructor(name: string, storage: ChunkStorage, options: { maxBytes?: number } = {}) {
    this.name = name;
    this.#storage = storage;
    this.#upkeep = new Upkeep(storage, options.maxBytes ?? defaultMaxBytes);
    this.#isFirst = storage.seenSince(0, { after: 0, limit: 1 }).length === 0;
    this.#readBack();
  }

  record(at: number, samples: readonly Sample[]): void {
    const minute = startOf(at, levels[1].width);
    if (minute < this.#minute) return;
    if (minute > this.#minute) this.#endMinute(startOf(at, levels[1].chunk));
    this.#minute = minute;
    const isFirst = this.#isFirst;
    for (const [index, series] of this.#seriesOf(at, samples).entries()) {
      const sample = samples[index];
      if (series && sample) series.take(at, this.#hour, sample, isFirst);
    }
    this.#isFirst = false;
    this.#newest = Math.max(this.#newest, at);
    this.#upkeep.run(this.#hour);
  }

  range(query: RangeQuery): Series[] {
    const active = this.#of(query.metric);
    const open = { active, hour: this.#hour, newest: this.#newest, foldedUntil: this.#upkeep.foldedUntil };
    return this.#cache.read(this.#storage, open, query, this.#minute);
  }

  latest({ metric, match }: LatestQuery): LatestValue[] {
    return this.#of(metric)
      .filter((series) => series.seenAt > this.#newest - latestMs && matches(series.labels, match))
      .map(({ labels, value, seenAt }) => ({ labels, value, at: seenAt }))
      .sort((a, b) => (labelsKey(a.labels) < labelsKey(b.labels) ? -1 : 1));
  }

  flush(): void {
    const blocks: { id: number; bytes: Uint8Array }[] = [];
    const totals: [number, number, number][] = [];
    for (const series of this.#byId.values()) {
      const bytes = series.unwritten();
      if (bytes) blocks.push({ id: series.id, bytes });
      if (series.total !== undefined) totals.push([series.id, series.total, series.totalAt]);
    }
    if (blocks.length > 0) this.#storage.appendJournal(joinBlocks(blocks), this.#minute, totals);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.flush();
    this.#storage.close();
  }

  #endMinute(nextHour: number): void {
    this.flush();
    if (this.#hour === 0) this.#hour = nextHour;
    if (nextHour > this.#hour) this.#seal(nextHour);
  }

  /** The hour is over: what was in memory and journal becomes chunks. Series that were silent for it are let go. */
  #seal(nextHour: number): void {
    const chunks: Chunk[] = [];
    for (const series of this.#byId.values()) {
      series.endMinute();
      const common = { series: series.id, at: this.#hour };
      const fine = series.fineBytes();
      if (fine.length === 0) {
        this.#byId.delete(series.id);
        continue;
      }
      chunks.push({ ...common, level: 0, bytes: fine }, { ...common, level: 1, bytes: series.minuteBytes() });
      series.startHour();
    }
    for (const group of this.#active.values())
      for (const [key, { id }] of group) if (!this.#byId.has(id)) group.delete(key);
    this.#storage.seal(chunks, this.#hour + levels[1].chunk - 1);
    this.#hour = nextHour;
  }

  /** One for each sample, in their order; `undefined` beyond the limit. */
  #seriesOf(at: number, samples: readonly Sample[]): (ActiveSeries | undefined)[] {
    const found = samples.map(({ metric, labels }) => this.#active.get(metric)?.get(quickKey(labels)));
    const missing = samples.flatMap((sample, index) =>
      found[index] === undefined && isMetricName(sample.metric) ? [index] : [],
    );
    if (missing.length === 0) return found;
    const wanted = missing.slice(0, Math.max(0, seriesLimit - this.#byId.size));
    const news = wanted.flatMap((index) => samples[index] ?? []);
    const ids = this.#storage.idsOf(news, at);
    for (const [order, index] of wanted.entries()) {
      const sample = samples[index];
      const id = ids[order];
      if (sample && id !== undefined) found[index] = this.#activate(id, sample);
    }
    return found;
  }

  #activate(id: number, { metric, labels }: { metric: MetricName; labels: Labels }): ActiveSeries {
    const group = this.#active.get(metric) ?? new Map<string, ActiveSeries>();
    this.#active.set(metric, group);
    // The same labels may come in another order, under another key.
    const series = this.#byId.get(id) ?? new ActiveSeries(id, metric, labels);
    this.#byId.set(id, series);
    group.set(quickKey(labels), series);
    return series;
  }

  #readBack(): void {
    const { rows, totals } = this.#storage.readJournal();
    const seriesOf = (id: number) => {
      const known = this.#byId.has(id) ? undefined : this.#storage.seriesById(id);
      return known ? this.#activate(id, known) : this.#byId.get(id);
    };
    for (const { minute, bytes } of rows) {
      this.#minute = minute;
      this.#hour = startOf(minute, levels[1].chunk);
      for (const block of splitBlocks(bytes)) {
        const series = seriesOf(block.id);
        if (series) decodePoints(series.kind, block.bytes, (point) => series.takeBack(point, this.#hour));
        this.#newest = Math.max(this.#newest, series?.seenAt ?? 0);
      }
    }
    for (const [id, total, at] of totals) seriesOf(id)?.continueFrom(total, at);
  }

  #of(metric: MetricName): ActiveSeries[] {
    return [...new Set(this.#active.get(metric)?.values())];
  }
}

function startOf(at: number, width: number): number {
  return Math.floor(at / width) * width;
}

/** As `labelsKey`, without sorting where the labels are in order already; collectors write them in one order. */
function quickKey(labels: Labels): string {
  let key = "";
  for (const name in labels) key += `${name}\u0000${labels[name]}\u0001`;
  return key;
}
