/**
 * Mergeable latency histogram with logarithmic buckets (the DDSketch mapping, https://arxiv.org/abs/1908.10693):
 * any quantile is exact within 1 %. Counts of two histograms add up, so percentiles are never averaged.
 */
const relativeError = 0.01;
const gamma = (1 + relativeError) / (1 - relativeError);
const logGamma = Math.log(gamma);
const smallestMs = 0.01;

export type Histogram = Readonly<Record<number, number>>;

export function bucketOf(milliseconds: number): number {
  return Math.ceil(Math.log(Math.max(milliseconds, smallestMs)) / logGamma);
}

/** A value of the bucket that is at most 1 % away from every other. */
export function middleOf(bucket: number): number {
  return (2 * gamma ** bucket) / (gamma + 1);
}

export function addHistograms(a: Histogram, b: Histogram): Histogram {
  const sum: Record<number, number> = { ...a };
  for (const [bucket, count] of Object.entries(b)) sum[Number(bucket)] = (sum[Number(bucket)] ?? 0) + count;
  return sum;
}

/** What came between two readings of one counter; the later alone if the counter was set back in between. */
export function subtractHistograms(later: Histogram, earlier: Histogram): Histogram {
  const difference: Record<number, number> = {};
  for (const [bucket, count] of Object.entries(later)) {
    const rest = count - (earlier[Number(bucket)] ?? 0);
    if (rest < 0) return later;
    if (rest > 0) difference[Number(bucket)] = rest;
  }
  return difference;
}

/** Milliseconds below which the share `quantile` (0..1) of all values lies; `undefined` when there are none. */
export function quantileOf(histogram: Histogram, quantile: number): number | undefined {
  const buckets = Object.entries(histogram)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= quantile * total) return middleOf(bucket);
  }
  return undefined;
}
