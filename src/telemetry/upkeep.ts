import { mergePoints } from "./active-series.ts";
import { type Chunk, type ChunkStorage, type Level, levels } from "./chunk-storage.ts";
import { definitionOf } from "./metrics.ts";
import { decodePoints, type Point, PointEncoder } from "./point-codec.ts";

const dayMs = levels[2].chunk;
/** What one call may do: some milliseconds of work, so that no pass and no request waits for it. */
const slice = { series: 40, chunks: 400 };

/** Rolls days up to hours, and removes what is too old or too much; a little in each pass. */
export class Upkeep {
  readonly #storage: ChunkStorage;
  readonly #maxBytes: number;
  /** Days before are at hand as hours. */
  #folded: number | undefined;
  #cursor = 0;
  #hour = 0;
  #pending = false;

  constructor(storage: ChunkStorage, maxBytes: number) {
    this.#storage = storage;
    this.#maxBytes = maxBytes;
    this.#folded = storage.mark("folded");
  }

  get foldedUntil(): number {
    return this.#folded ?? 0;
  }

  /** `hour`: where what is sealed ends. */
  run(hour: number): void {
    if (hour !== this.#hour) {
      this.#hour = hour;
      this.#pending = true;
    }
    if (!this.#pending) return;
    const folding = this.#fold(hour);
    const removing = this.#remove(hour);
    this.#pending = folding || removing;
  }

  #fold(hour: number): boolean {
    if (this.#folded === undefined) {
      const oldest = this.#storage.oldest(1);
      if (oldest === undefined) return false;
      this.#folded = Math.floor(oldest / dayMs) * dayMs;
      this.#storage.mark("folded", this.#folded);
    }
    const day = this.#folded;
    if (day + dayMs > hour) return false;
    const ids = this.#storage.seenSince(day, { after: this.#cursor, limit: slice.series });
    this.#storage.put(ids.flatMap((id) => this.#foldDay(id, day)));
    const last = ids.at(-1);
    if (last !== undefined) this.#cursor = last;
    else {
      this.#cursor = 0;
      this.#folded = this.#storage.mark("folded", day + dayMs);
    }
    return true;
  }

  #foldDay(series: number, day: number): Chunk[] {
    const known = this.#storage.seriesById(series);
    if (!known) return [];
    const { kind } = definitionOf(known.metric);
    const hours = new Map<number, Point>();
    for (const chunk of this.#storage.read(1, [series], { from: day, to: day + dayMs })) {
      const slot = Math.floor((chunk.at - day) / levels[2].width);
      decodePoints(kind, chunk.bytes, (point) => {
        const hour = hours.get(slot);
        hours.set(slot, hour ? mergePoints(hour, point) : { ...point, slot });
      });
    }
    if (hours.size === 0) return [];
    const encoder = new PointEncoder(kind);
    for (const point of [...hours.values()].sort((a, b) => a.slot - b.slot)) encoder.add(point);
    return [{ level: 2, series, at: day, bytes: encoder.bytes() }];
  }

  #remove(hour: number): boolean {
    for (const level of [0, 1, 2] as const)
      if (this.#removeBefore(level, hour - levels[level].kept)) return true;
    if (this.#storage.removeSeries(hour - levels[2].kept, slice.chunks) > 0) return true;
    return this.#storage.usedBytes() > this.#maxBytes && this.#makeRoom();
  }

  #removeBefore(level: Level, before: number): boolean {
    return this.#storage.removeChunks(level, before, slice.chunks) === slice.chunks;
  }

  /** Minutes first, the oldest first: they take most of the room, and the hours of the same time stay. */
  #makeRoom(): boolean {
    for (const level of [1, 0, 2] as const) {
      const oldest = this.#storage.oldest(level);
      if (oldest === undefined) continue;
      return this.#storage.removeChunks(level, oldest + levels[level].chunk, slice.chunks) > 0;
    }
    return false;
  }
}
