import type { ActiveSeries } from "./active-series.ts";
import { BucketTable } from "./buckets.ts";
import { type ChunkStorage, type Level, levels, type StoredSeries } from "./chunk-storage.ts";
import { telemetryError } from "./errors.ts";
import { definitionOf, type MetricName } from "./metrics.ts";
import { decodePoints, type Point } from "./point-codec.ts";
import type { GaugePoint, Labels, RangeQuery, Series } from "./port.ts";

const pointLimit = 1500;
const usualPoints = 300;
/** A question about more series is refused: the answer would be of use to nobody and take long. */
const seriesLimit = 5000;
const steps = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400].map((s) => s * 1000);
const quantiles = [0.5, 0.95, 0.99];

/** What is in memory: the series of the metric, and where the open hour begins. */
export type OpenHour = {
  active: readonly ActiveSeries[];
  hour: number;
  newest: number;
  foldedUntil: number;
};

/** Steps from `from` to `to`, both at full steps; `level` is what they are made of. */
export type Window = { from: number; to: number; step: number; level: Level; count: number };

export function matches(labels: Labels, match: Labels | undefined): boolean {
  return match === undefined || Object.entries(match).every(([name, value]) => labels[name] === value);
}

export function readRange(
  storage: ChunkStorage,
  open: OpenHour,
  query: RangeQuery,
  window: Window = windowOf(query, open.newest),
): Series[] {
  const groups = groupsOf(storage, open, query, window);
  const table = definitionOf(query.metric).kind === "histogram" ? new BucketTable(window.count) : undefined;
  return [...groups.values()]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ labels, members }) => readGroup(storage, open, { query, window, labels, members, table }))
    .filter((series) => series.points.length > 0);
}

export function windowOf({ from, to, step }: RangeQuery, newest: number): Window {
  if (!Number.isFinite(from) || !Number.isFinite(to) || from >= to)
    throw telemetryError("TELEMETRY_QUERY", "the time asked for ends before it begins");
  if (step !== undefined && !(step > 0))
    throw telemetryError("TELEMETRY_QUERY", "a step must be longer than nothing");
  const age = newest - from;
  const kept =
    age > levels[1].kept ? levels[2].width : age > levels[0].kept ? levels[1].width : levels[0].width;
  const usual = steps.find((known) => known >= (to - from) / usualPoints) ?? 86_400_000;
  const least = Math.max(kept, step ?? usual, (to - from) / (pointLimit - 1));
  const wide = levels.findLast(({ width }) => width <= least)?.width ?? levels[0].width;
  const width = Math.ceil(least / wide) * wide;
  const start = Math.floor(from / width) * width;
  const end = Math.ceil(to / width) * width;
  const level = wide === levels[2].width ? 2 : wide === levels[1].width ? 1 : 0;
  return { from: start, to: end, step: width, level, count: Math.round((end - start) / width) };
}

type Group = { key: string; labels: Labels; members: Map<number, ActiveSeries | undefined> };

function groupsOf(
  storage: ChunkStorage,
  open: OpenHour,
  query: RangeQuery,
  window: Window,
): Map<string, Group> {
  const stored: readonly StoredSeries[] = storage.find(query.metric, window.from);
  const groups = new Map<string, Group>();
  let count = 0;
  const add = (id: number, labels: Labels, active?: ActiveSeries) => {
    if (!matches(labels, query.match)) return;
    const kept = pick(labels, query.groupBy);
    const key = JSON.stringify(kept);
    const group = groups.get(key) ?? { key, labels: Object.fromEntries(kept), members: new Map() };
    groups.set(key, group);
    if (!group.members.has(id)) count += 1;
    group.members.set(id, active ?? group.members.get(id));
  };
  for (const series of open.active) add(series.id, series.labels, series);
  for (const { id, labels } of stored) add(id, labels);
  if (count > seriesLimit)
    throw telemetryError("TELEMETRY_QUERY", `${count} series match, more than ${seriesLimit}`);
  return groups;
}

function pick(labels: Labels, groupBy: readonly string[] | undefined): [string, string][] {
  return Object.entries(labels)
    .filter(([name]) => groupBy === undefined || groupBy.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

type GroupRead = {
  query: RangeQuery;
  window: Window;
  labels: Labels;
  members: Group["members"];
  table: BucketTable | undefined;
};

function readGroup(storage: ChunkStorage, open: OpenHour, read: GroupRead): Series {
  const { window, labels, members, table } = read;
  const { metric } = read.query;
  const { kind } = definitionOf(metric);
  const head = { metric, labels, step: window.step };
  const atOf = (step: number) => window.from + step * window.step;
  const each = (take: (step: number, point: Point, id: number) => void) => {
    for (const [id, active] of members) eachPoint(storage, open, { metric, id, active, window, take });
  };
  if (table) {
    each((step, point) => table.add(step, point.buckets));
    const points = range(window.count).flatMap((step) => {
      const taken = table.take(step, quantiles);
      if (!taken) return [];
      const [p50 = 0, p95 = 0, p99 = 0] = taken.values;
      return [{ at: atOf(step), count: taken.count, mean: taken.mean, p50, p95, p99 }];
    });
    return { ...head, kind: "histogram", points };
  }
  if (kind === "counter") {
    const sums = new Map<number, number>();
    each((step, point) => sums.set(step, (sums.get(step) ?? 0) + point.sum));
    const points = inOrder(sums).map(([step, increase]) => ({ at: atOf(step), increase }));
    return { ...head, kind: "counter", points };
  }
  const spreads = new Map<number, Map<number, Spread>>();
  each((step, point, id) => addSpread(spreads, { step, id, point }));
  const points = inOrder(spreads).map(([step, members]) => {
    const end = Math.min(atOf(step) + window.step, open.newest + levels[0].width);
    const passes = Math.max(1, Math.round((end - atOf(step)) / levels[0].width));
    return { at: atOf(step), ...across(metric, [...members.values()], passes) };
  });
  return { ...head, kind: "gauge", points };
}

type Spread = { min: number; max: number; sum: number; count: number };

function addSpread(
  spreads: Map<number, Map<number, Spread>>,
  { step, id, point }: { step: number; id: number; point: Point },
): void {
  const members = spreads.get(step) ?? new Map<number, Spread>();
  spreads.set(step, members);
  const known = members.get(id);
  if (!known) members.set(id, { min: point.min, max: point.max, sum: point.sum, count: point.count });
  else {
    known.min = Math.min(known.min, point.min);
    known.max = Math.max(known.max, point.max);
    known.sum += point.sum;
    known.count += point.count;
  }
}

/**
 * Several series as one. Summed ones that took turns within the step (a replica and its successor) are not there at the
 * same time: their greatest is that of one of them, not of both.
 */
function across(metric: MetricName, members: readonly Spread[], passes: number): Omit<GaugePoint, "at"> {
  const sum = members.reduce((total, member) => total + member.sum, 0);
  const count = members.reduce((total, member) => total + member.count, 0);
  const longest = Math.max(...members.map((member) => member.count));
  const isSum = definitionOf(metric).across === "sum";
  const together = isSum && members.length > 1 && count > passes;
  const add = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const mins = members.map(({ min }) => min);
  const maxs = members.map(({ max }) => max);
  return {
    min: together ? add(mins) : Math.min(...mins),
    avg: sum / (isSum ? Math.max(longest, Math.min(count, passes)) : count),
    max: together ? add(maxs) : Math.max(...maxs),
  };
}

type PointRead = {
  metric: MetricName;
  id: number;
  active: ActiveSeries | undefined;
  window: Window;
  take: (step: number, point: Point, id: number) => void;
};

function eachPoint(storage: ChunkStorage, open: OpenHour, read: PointRead): void {
  const { window, active, id } = read;
  const { kind } = definitionOf(read.metric);
  const hand = (bytes: Uint8Array, base: number, width: number) =>
    decodePoints(kind, bytes, (point) => hold(read, base + point.slot * width, point));
  const sealed = (level: Level, from: number, to: number) => {
    const { chunk, width } = levels[level];
    if (to <= from) return;
    for (const { at, bytes } of storage.read(level, [id], { from: Math.floor(from / chunk) * chunk, to }))
      hand(bytes, at, width);
  };
  const hours =
    window.level === 2 ? Math.min(window.to, Math.max(window.from, open.foldedUntil)) : window.from;
  sealed(2, window.from, hours);
  const fine = window.level === 0 ? 0 : 1;
  sealed(fine, hours, Math.min(window.to, open.hour));
  if (!active || window.to <= open.hour) return;
  if (fine === 0) {
    hand(active.fineBytes(), open.hour, levels[0].width);
    return;
  }
  hand(active.minuteBytes(), open.hour, levels[1].width);
  const minute = active.openMinute;
  if (minute) hold(read, open.hour + minute.slot * levels[1].width, minute);
}

function hold({ window, take, id }: PointRead, at: number, point: Point): void {
  if (at < window.from || at >= window.to) return;
  take(Math.floor((at - window.from) / window.step), point, id);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function inOrder<T>(values: ReadonlyMap<number, T>): [number, T][] {
  return [...values].sort(([a], [b]) => a - b);
}
