import { addBuckets, meanOf } from "./buckets.ts";
import { levels } from "./chunk-storage.ts";
import { definitionOf, type MetricKind, type MetricName } from "./metrics.ts";
import { type Point, PointEncoder } from "./point-codec.ts";
import type { Labels, Sample } from "./port.ts";

/** A longer gap of a counter is not counted: nobody knows when in it things happened. */
const gapMs = 120_000;
const none: readonly number[] = [];

/** A series that is being recorded: its points of the open hour as bytes, and the minute that is not over yet. */
export class ActiveSeries {
  readonly id: number;
  readonly metric: MetricName;
  readonly labels: Labels;
  readonly kind: MetricKind;
  /** Of the last sample, for `latest`. */
  seenAt = 0;
  value = 0;
  total: number | undefined;
  #totalAt = 0;
  #fine: PointEncoder;
  #minutes: PointEncoder;
  #unwritten: PointEncoder;
  #minute: Point | undefined;

  constructor(id: number, metric: MetricName, labels: Labels) {
    this.id = id;
    this.metric = metric;
    this.labels = labels;
    this.kind = definitionOf(metric).kind;
    this.#fine = new PointEncoder(this.kind);
    this.#minutes = new PointEncoder(this.kind);
    this.#unwritten = new PointEncoder(this.kind);
  }

  get totalAt(): number {
    return this.#totalAt;
  }

  continueFrom(total: number, at: number): void {
    this.total = total;
    this.#totalAt = at;
  }

  /** `isFirst`: nothing was recorded before, so a counter's total says nothing about now. */
  take(at: number, hour: number, sample: Sample, isFirst: boolean): void {
    const point = this.#pointOf(sample, at, isFirst);
    if (!point) return;
    point.slot = Math.floor((at - hour) / levels[0].width);
    this.seenAt = at;
    this.value = lastValue(point);
    this.#fine.add(point);
    this.#unwritten.add(point);
    this.#intoMinute(point, Math.floor((at - hour) / levels[1].width));
  }

  /** A point that the journal had. */
  takeBack(point: Point, hour: number): void {
    const copy = { ...point };
    this.#fine.add(copy);
    this.seenAt = hour + point.slot * levels[0].width;
    this.value = lastValue(point);
    this.#intoMinute(copy, Math.floor((point.slot * levels[0].width) / levels[1].width));
  }

  /** What the journal doesn't have yet; afterwards it is thought to have it. */
  unwritten(): Uint8Array | undefined {
    if (this.#unwritten.isEmpty) return undefined;
    const bytes = this.#unwritten.bytes();
    this.#unwritten = new PointEncoder(this.kind);
    return bytes;
  }

  endMinute(): void {
    if (this.#minute) this.#minutes.add(this.#minute);
    this.#minute = undefined;
  }

  fineBytes(): Uint8Array {
    return this.#fine.bytes();
  }

  minuteBytes(): Uint8Array {
    return this.#minutes.bytes();
  }

  /** The minute that is not over. */
  get openMinute(): Point | undefined {
    return this.#minute;
  }

  startHour(): void {
    this.#fine = new PointEncoder(this.kind);
    this.#minutes = new PointEncoder(this.kind);
  }

  #intoMinute(point: Point, slot: number): void {
    if (this.#minute && this.#minute.slot !== slot) this.endMinute();
    this.#minute = this.#minute ? mergePoints(this.#minute, point) : { ...point, slot };
  }

  #pointOf(sample: Sample, at: number, isFirst: boolean): Point | undefined {
    if ("histogram" in sample) {
      const buckets = Object.entries(sample.histogram)
        .flatMap(([bucket, count]) => (count > 0 ? [[Number(bucket), count] as const] : []))
        .sort(([a], [b]) => a - b)
        .flat();
      return this.kind === "histogram" && buckets.length > 0 ? { ...pointOf(0), buckets } : undefined;
    }
    if (this.kind === "histogram") return undefined;
    if ("increase" in sample) return this.kind === "counter" ? pointOf(sample.increase) : undefined;
    if (!Number.isFinite(sample.value)) return undefined;
    return pointOf(this.kind === "counter" ? this.#increase(sample.value, at, isFirst) : sample.value);
  }

  #increase(total: number, at: number, isFirst: boolean): number {
    const before = this.total;
    const isGap = before !== undefined && at - this.#totalAt > gapMs;
    this.continueFrom(total, at);
    if (before === undefined) return isFirst ? 0 : total;
    if (isGap) return 0;
    return total >= before ? total - before : total;
  }
}

export function mergePoints(a: Point, b: Point): Point {
  return {
    slot: a.slot,
    count: a.count + b.count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    // Values have at most three decimals; without this a sum would drift away from them and take eight bytes.
    sum: Math.round((a.sum + b.sum) * 1000) / 1000,
    buckets: a.buckets.length + b.buckets.length === 0 ? none : addBuckets(a.buckets, b.buckets),
  };
}

function pointOf(value: number): Point {
  return { slot: 0, count: 1, min: value, max: value, sum: value, buckets: none };
}

function lastValue({ buckets, sum, count }: Point): number {
  return buckets.length > 0 ? meanOf(buckets) : sum / count;
}
