import type { ChunkStorage } from "./chunk-storage.ts";
import { definitionOf, type MetricKind, type MetricName } from "./metrics.ts";
import type { CounterPoint, GaugePoint, HistogramPoint, Labels, RangeQuery, Series } from "./port.ts";
import { type OpenHour, readRange, type Window, windowOf } from "./range-reader.ts";

/** Numbers that all entries hold together: 3 MB. */
const mostNumbers = 400_000;
/** Less than this is read again as quickly. */
const fewestPoints = 100;

const fields = {
  gauge: ["at", "min", "avg", "max"],
  counter: ["at", "increase"],
  histogram: ["at", "count", "mean", "p50", "p95", "p99"],
} as const satisfies Readonly<Record<MetricKind, readonly string[]>>;

type Held = { labels: Labels; numbers: Float64Array };
/** Steps from `from` to `until`, by the labels of their series. */
type Entry = { from: number; until: number; series: Map<string, Held>; size: number };

/**
 * The same question comes again and again while a page is open, and of a day only the last step has changed. Steps that
 * have ended before the open minute never change: they are held, and the rest is read.
 */
export class RangeCache {
  readonly #entries = new Map<string, Entry>();

  /** `minute`: what is before its begin is not recorded any more. */
  read(storage: ChunkStorage, open: OpenHour, query: RangeQuery, minute: number): Series[] {
    const window = windowOf(query, open.newest);
    const closed = Math.min(window.to, Math.floor(minute / window.step) * window.step);
    const key = JSON.stringify([query.metric, query.match, query.groupBy, window.step, window.level]);
    const known = this.#entries.get(key);
    const usable = known && known.from <= window.from && known.until > window.from && known.until <= closed;
    const begin = usable ? known.until : window.from;
    const rest = begin < window.to ? readRange(storage, open, query, part(window, begin)) : [];
    const whole = usable ? joined(query.metric, known, rest, window) : rest;
    const points = whole.reduce((sum, series) => sum + series.points.length, 0);
    if (points >= fewestPoints && closed > window.from && (!usable || closed > known.until))
      this.#hold(key, whole, { from: window.from, until: closed });
    return whole;
  }

  #hold(key: string, whole: readonly Series[], { from, until }: { from: number; until: number }): void {
    const series = new Map(whole.map((one) => [JSON.stringify(one.labels), heldOf(one, until)]));
    const size = [...series.values()].reduce((sum, { numbers }) => sum + numbers.length, 0);
    // Again at the end, so that the first is the one to go.
    this.#entries.delete(key);
    if (size > mostNumbers) return;
    this.#entries.set(key, { from, until, series, size });
    let total = [...this.#entries.values()].reduce((sum, entry) => sum + entry.size, 0);
    for (const [oldest, entry] of this.#entries) {
      if (total <= mostNumbers) break;
      this.#entries.delete(oldest);
      total -= entry.size;
    }
  }
}

function part(window: Window, from: number): Window {
  return { ...window, from, count: Math.round((window.to - from) / window.step) };
}

function heldOf({ kind, labels, points }: Series, until: number): Held {
  const names = fields[kind];
  const ended = points.filter(({ at }) => at < until);
  const numbers = new Float64Array(ended.length * names.length);
  for (const [index, point] of ended.entries()) {
    const values: Readonly<Record<string, number>> = point;
    for (const [offset, name] of names.entries()) numbers[index * names.length + offset] = values[name] ?? 0;
  }
  return { labels, numbers };
}

/** What was held and what was read, in the order of a reader that has read it all. */
function joined(metric: MetricName, entry: Entry, rest: readonly Series[], window: Window): Series[] {
  const { kind } = definitionOf(metric);
  const read = new Map(rest.map((series) => [JSON.stringify(series.labels), series]));
  const keys = [...new Set([...entry.series.keys(), ...read.keys()])];
  return keys
    .map((key) => {
      const held = entry.series.get(key);
      const series = read.get(key);
      const labels = held?.labels ?? series?.labels ?? {};
      const old = held ? pointsOf(kind, held.numbers, window) : [];
      const points = [...old, ...(series?.points ?? [])];
      return {
        order: JSON.stringify(Object.entries(labels)),
        series: { metric, labels, step: window.step, kind, points } as Series,
      };
    })
    .filter(({ series }) => series.points.length > 0)
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ series }) => series);
}

type AnyPoint = GaugePoint | CounterPoint | HistogramPoint;

function pointsOf(kind: MetricKind, numbers: Float64Array, { from, to }: Window): AnyPoint[] {
  const width = fields[kind].length;
  const points: AnyPoint[] = [];
  for (let index = 0; index < numbers.length; index += width) {
    const [at = 0, a = 0, b = 0, c = 0, d = 0, e = 0] = numbers.subarray(index, index + width);
    if (at < from || at >= to) continue;
    if (kind === "gauge") points.push({ at, min: a, avg: b, max: c });
    else if (kind === "counter") points.push({ at, increase: a });
    else points.push({ at, count: a, mean: b, p50: c, p95: d, p99: e });
  }
  return points;
}
