import { middleOf } from "../lib/histogram.ts";

/** Histograms as flat, ascending lists [bucket, count, …]: small, quick to write, quick to add. */
export function addBuckets(a: readonly number[], b: readonly number[]): number[] {
  const sum: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i] ?? Number.POSITIVE_INFINITY;
    const right = b[j] ?? Number.POSITIVE_INFINITY;
    const bucket = Math.min(left, right);
    let count = 0;
    if (left === bucket) {
      count += a[i + 1] ?? 0;
      i += 2;
    }
    if (right === bucket) {
      count += b[j + 1] ?? 0;
      j += 2;
    }
    sum.push(bucket, count);
  }
  return sum;
}

export function meanOf(buckets: readonly number[]): number {
  let count = 0;
  let sum = 0;
  for (let i = 0; i < buckets.length; i += 2) {
    count += buckets[i + 1] ?? 0;
    sum += middleOf(buckets[i] ?? 0) * (buckets[i + 1] ?? 0);
  }
  return count === 0 ? 0 : sum / count;
}

/** From 10 µs to 75 minutes; what lies outside counts in the outermost bucket. */
const first = -256;
const width = 1024;
const middles = Float64Array.from({ length: width }, (_, index) => middleOf(index + first));

/** Histograms of many steps at once in one block of memory: adding is one addition for each bucket. */
export class BucketTable {
  readonly #counts: Float64Array;
  readonly #low: Int32Array;
  readonly #high: Int32Array;

  constructor(steps: number) {
    this.#counts = new Float64Array(steps * width);
    this.#low = new Int32Array(steps).fill(width);
    this.#high = new Int32Array(steps).fill(-1);
  }

  add(step: number, buckets: readonly number[]): void {
    for (let i = 0; i < buckets.length; i += 2) {
      const index = Math.min(width - 1, Math.max(0, (buckets[i] ?? 0) - first));
      const place = step * width + index;
      this.#counts[place] = (this.#counts[place] ?? 0) + (buckets[i + 1] ?? 0);
      if (index < (this.#low[step] ?? 0)) this.#low[step] = index;
      if (index > (this.#high[step] ?? 0)) this.#high[step] = index;
    }
  }

  /** Count, mean and the given percentiles of a step; `undefined` when it holds nothing. Empties it. */
  take(
    step: number,
    quantiles: readonly number[],
  ): { count: number; mean: number; values: number[] } | undefined {
    const low = this.#low[step] ?? width;
    const high = this.#high[step] ?? -1;
    if (high < low) return undefined;
    const counts = this.#counts.subarray(step * width, (step + 1) * width);
    let count = 0;
    let sum = 0;
    for (let index = low; index <= high; index += 1) {
      count += counts[index] ?? 0;
      sum += (counts[index] ?? 0) * (middles[index] ?? 0);
    }
    const values = quantiles.map((quantile) => quantileAt(counts, low, quantile * count));
    counts.fill(0, low, high + 1);
    this.#low[step] = width;
    this.#high[step] = -1;
    return { count, mean: sum / count, values };
  }
}

/** The middle of the bucket that has the value of that rank, from the smallest. */
function quantileAt(counts: Float64Array, low: number, rank: number): number {
  let seen = 0;
  for (let index = low; index < width; index += 1) {
    seen += counts[index] ?? 0;
    if (seen >= rank) return middles[index] ?? 0;
  }
  return 0;
}
