export type Fit = {
  /** Growth per millisecond. */
  slope: number;
  /** How much of the movement the line explains, 0 to 1. */
  certainty: number;
  last: number;
};

/** The line of least squares through points of time and value; undefined for fewer than three. */
export function fitLine(points: readonly { at: number; value: number }[]): Fit | undefined {
  const n = points.length;
  const end = points.at(-1);
  if (n < 3 || end === undefined) return undefined;
  const meanAt = points.reduce((sum, { at }) => sum + at, 0) / n;
  const mean = points.reduce((sum, { value }) => sum + value, 0) / n;
  let [across, own, spread] = [0, 0, 0];
  for (const { at, value } of points) {
    across += (at - meanAt) * (value - mean);
    own += (at - meanAt) ** 2;
    spread += (value - mean) ** 2;
  }
  if (own === 0) return undefined;
  const slope = across / own;
  const certainty = spread === 0 ? 1 : across ** 2 / (own * spread);
  return { slope, certainty, last: mean + slope * (end.at - meanAt) };
}
