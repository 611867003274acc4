/**
 * Back-off of a replica that keeps dying: 1 s, doubled with each death within the window, at most a minute; two
 * failed restarts in a row make it a crash loop.
 */
export type CrashPolicy = { firstDelayMs: number; maxDelayMs: number; windowMs: number; loopAfter: number };

export const defaultCrashPolicy: CrashPolicy = {
  firstDelayMs: 1_000,
  maxDelayMs: 60_000,
  windowMs: 10 * 60_000,
  loopAfter: 2,
};

/** When the replica may be started again (epoch ms), given the times of its earlier deaths. */
export function nextStartAt(deaths: readonly number[], now: number, policy: CrashPolicy): number {
  const recent = deaths.filter((at) => at > now - policy.windowMs);
  const last = recent.at(-1);
  if (last === undefined || recent.length === 1) return 0;
  return last + Math.min(policy.firstDelayMs * 2 ** (recent.length - 2), policy.maxDelayMs);
}

export function isCrashLooping(deaths: readonly number[], now: number, policy: CrashPolicy): boolean {
  return deaths.filter((at) => at > now - policy.windowMs).length > policy.loopAfter;
}
