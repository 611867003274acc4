import { fitLine } from "./alert-forecast.ts";
import type { AlertSubject, FactKind, Measure, Reading } from "./alert-rule.ts";
import { amount } from "./alert-text.ts";

/** A recorded series, with the fields that its kind has. */
export type AlertSeries = { labels: Readonly<Record<string, string>>; points: readonly AlertPoint[] };
export type AlertPoint = {
  /** Where the step begins. */
  at: number;
  min?: number;
  avg?: number;
  max?: number;
  increase?: number;
  count?: number;
  p95?: number;
};

/** One question to the recorded series. */
export type SeriesQuery = {
  metric: string;
  by: readonly string[];
  stepMs: number;
  windowMs: number;
};

/** Answers a query up to now; the same question twice costs nothing more. */
export type Ask = (query: SeriesQuery) => readonly AlertSeries[];

/** What is known besides series: one reading per subject that the fact holds for. */
export type Facts = Readonly<Partial<Record<FactKind, readonly Reading[]>>>;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** A gauge that nothing has written for so long has no present value. */
const freshMs = 90 * second;
const fewWindowMs = 10 * minute;
/** A line through less than this says nothing about days. */
const shortestFitMs = 6 * hour;
const leastCertainty = 0.8;
/** Beyond this a forecast is no number. */
const farthestDays = 365;
const badCodes = new Set(["5xx", "failed"]);

/** The values of one measure now. No reading: nothing is known, which is not the same as well. */
export function readingsOf(measure: Measure, world: { ask: Ask; facts: Facts; now: number }): Reading[] {
  const { ask, facts, now } = world;
  switch (measure.kind) {
    case "gauge":
      return gauges(measure, ask, now);
    case "missing":
      return missing(measure.by, ask, now);
    case "errors":
      return errorShares(measure, ask, now);
    case "p95":
      return percentiles(measure, ask, now);
    case "increase":
      return larger(increases(measure, ask, now), measure.or === undefined ? [] : (facts[measure.or] ?? []));
    case "fullIn":
      return forecasts(measure, ask, now);
    case "daysUntil":
      return gauges({ kind: "gauge", metric: measure.metric, by: measure.by }, ask, now).map((reading) => ({
        ...reading,
        value: (reading.value * second - now) / day,
      }));
    case "fact":
      return [...(facts[measure.fact] ?? [])];
  }
}

function gauges(measure: Extract<Measure, { kind: "gauge" }>, ask: Ask, now: number): Reading[] {
  const { metric, of, by, take = "avg" } = measure;
  const query = { by, stepMs: minute, windowMs: 2 * minute };
  const totals = of === undefined ? undefined : newestBy(ask({ ...query, metric: of }), now, "avg");
  const found: Reading[] = [];
  for (const [key, { subject, value }] of newestBy(ask({ ...query, metric }), now, take)) {
    if (totals === undefined) found.push({ subject, value });
    const total = totals?.get(key)?.value ?? 0;
    if (total > 0) found.push({ subject, value: value / total });
  }
  return found;
}

function missing(by: readonly string[], ask: Ask, now: number): Reading[] {
  const query = { by, stepMs: 10 * second, windowMs: freshMs };
  const ready = newestBy(ask({ ...query, metric: "service.ready" }), now, "max");
  const found: Reading[] = [];
  for (const [key, { subject, value: wanted }] of newestBy(
    ask({ ...query, metric: "service.wanted" }),
    now,
    "max",
  )) {
    // A stopped service, or one scaled to 0, is as it should be.
    if (wanted <= 0) continue;
    const have = Math.min(wanted, ready.get(key)?.value ?? 0);
    found.push({ subject, value: (wanted - have) / wanted, words: `${have} of ${wanted} ready` });
  }
  return found;
}

function errorShares(measure: Extract<Measure, { kind: "errors" }>, ask: Ask, now: number): Reading[] {
  const { by, minimum } = measure;
  const all = ask({ metric: "edge.requests", by: [...by, "code"], stepMs: minute, windowMs: fewWindowMs });
  const bySubject = new Map<string, { subject: AlertSubject; series: AlertSeries[] }>();
  for (const series of all) {
    const subject = subjectOf(series.labels);
    const key = JSON.stringify(subject);
    const entry = bySubject.get(key) ?? { subject, series: [] };
    entry.series.push(series);
    bySubject.set(key, entry);
  }
  return [...bySubject.values()].flatMap(({ subject, series }) => {
    for (const windowMs of [minute, fewWindowMs]) {
      const count = (wanted: (code: string) => boolean) =>
        series
          .filter(({ labels }) => wanted(labels["code"] ?? ""))
          .reduce((sum, { points }) => sum + sumSince(points, now - windowMs - minute), 0);
      const total = count(() => true);
      if (total < minimum) continue;
      return { subject, value: count((code) => badCodes.has(code)) / total };
    }
    return [];
  });
}

function percentiles(measure: Extract<Measure, { kind: "p95" }>, ask: Ask, now: number): Reading[] {
  const { metric, by, minimum } = measure;
  const found = new Map<string, Reading>();
  // The longer window first, so that the newest minute takes its place where it has enough requests of its own.
  for (const stepMs of [fewWindowMs, minute]) {
    for (const { labels, points } of ask({ metric, by, stepMs, windowMs: 2 * stepMs })) {
      const enough = points.filter(({ at, count = 0 }) => count >= minimum && at > now - 2 * stepMs).at(-1);
      const subject = subjectOf(labels);
      if (enough?.p95 !== undefined) found.set(JSON.stringify(subject), { subject, value: enough.p95 });
    }
  }
  return [...found.values()];
}

function increases(measure: Extract<Measure, { kind: "increase" }>, ask: Ask, now: number): Reading[] {
  const { metric, by, windowSeconds, longest } = measure;
  const windowMs = windowSeconds * second;
  const minutes = Math.round(windowSeconds / 60);
  const times = longest === undefined ? [] : ask({ metric: longest, by, stepMs: minute, windowMs });
  const longestOf = new Map(
    times.map(({ labels, points }) => [JSON.stringify(subjectOf(labels)), most(points)]),
  );
  return ask({ metric, by, stepMs: minute, windowMs }).map(({ labels, points }) => {
    const subject = subjectOf(labels);
    const value = sumSince(points, now - windowMs);
    const seconds = value > 0 ? longestOf.get(JSON.stringify(subject)) : undefined;
    const words = seconds === undefined ? `${value} in ${minutes} min` : amount(seconds * second, "ms");
    return { subject, value, words };
  });
}

/** Of each subject the reading that says more. */
function larger(readings: readonly Reading[], others: readonly Reading[]): Reading[] {
  const found = new Map(readings.map((reading) => [JSON.stringify(reading.subject), reading]));
  for (const other of others) {
    const key = JSON.stringify(other.subject);
    if (other.value > (found.get(key)?.value ?? -1)) found.set(key, other);
  }
  return [...found.values()];
}

function forecasts(measure: Extract<Measure, { kind: "fullIn" }>, ask: Ask, now: number): Reading[] {
  const { metric, of, by } = measure;
  const totals = newestBy(ask({ metric: of, by, stepMs: minute, windowMs: 2 * minute }), now, "avg");
  return ask({ metric, by, stepMs: 10 * minute, windowMs: day }).flatMap(({ labels, points }) => {
    const subject = subjectOf(labels);
    const total = totals.get(JSON.stringify(subject))?.value;
    const known = points.flatMap(({ at, avg }) => (avg === undefined ? [] : [{ at, value: avg }]));
    const [first, end] = [known[0], known.at(-1)];
    if (total === undefined || !first || !end || end.at - first.at < shortestFitMs) return [];
    const fit = fitLine(known);
    if (!fit || fit.slope <= 0 || fit.certainty < leastCertainty) return { subject, value: farthestDays };
    const days = Math.min(farthestDays, (total - end.value) / fit.slope / day);
    return { subject, value: Math.max(0, days) };
  });
}

function newestBy(
  all: readonly AlertSeries[],
  now: number,
  take: "avg" | "min" | "max",
): Map<string, { subject: AlertSubject; value: number }> {
  const found = new Map<string, { subject: AlertSubject; value: number }>();
  for (const { labels, points } of all) {
    const newest = points.at(-1);
    const value = newest?.[take];
    if (newest === undefined || value === undefined || newest.at < now - freshMs - minute) continue;
    const subject = subjectOf(labels);
    found.set(JSON.stringify(subject), { subject, value });
  }
  return found;
}

function most(points: readonly AlertPoint[]): number | undefined {
  const known = points.flatMap(({ max }) => max ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}

function sumSince(points: readonly AlertPoint[], since: number): number {
  return points.reduce((sum, { at, increase = 0 }) => (at > since ? sum + increase : sum), 0);
}

/** The labels that say what a series is about. */
function subjectOf(labels: Readonly<Record<string, string>>): AlertSubject {
  const { scope, service } = labels;
  const name =
    labels["dependency"] ??
    labels["database"] ??
    labels["route"] ??
    labels["mount"] ??
    labels["replica"] ??
    labels["host"];
  return {
    ...(scope === undefined ? {} : { scope }),
    ...(service === undefined ? {} : { service }),
    ...(name === undefined ? {} : { name }),
  };
}
