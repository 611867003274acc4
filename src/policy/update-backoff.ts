/** A registry in trouble is asked more and more seldom, up to this. */
const longestSeconds = 6 * 3600;
/** So many failures in a row are worth telling somebody; fewer happen in any week. */
const alertAfter = 3;
/** Polls come up to this share earlier, so that many services do not ask at one moment and none waits longer than said. */
const jitterShare = 0.1;

export type PollFacts = {
  /** What differs per service, e.g. `shop/production/web`. */
  key: string;
  everySeconds: number;
  /** In a row, this one included. */
  failures: number;
  /** What the registry asked for. */
  retryAfterSeconds?: number | undefined;
};

/** Seconds until the next poll. The same service always gets the same jitter. */
export function pollDelaySeconds({ key, everySeconds, failures, retryAfterSeconds = 0 }: PollFacts): number {
  const early = 1 - jitterShare * fractionOf(key);
  if (failures === 0) return everySeconds * early;
  const longest = Math.max(longestSeconds, everySeconds);
  const delay = Math.min(everySeconds * 2 ** Math.min(failures, 30) * early, longest);
  return Math.max(delay, retryAfterSeconds);
}

/** Where in its first interval a service begins: a restart must not make everything ask at once. */
export function firstPollSeconds(key: string, everySeconds: number): number {
  return everySeconds * fractionOf(key);
}

/** Exactly once per row of failures. */
export function isAlertDue(failures: number): boolean {
  return failures === alertAfter;
}

/** FNV-1a, as a number from 0 up to 1. */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  // The last characters differ most, but reach the high bits least: mix once more.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
  return hash / 2 ** 32;
}
