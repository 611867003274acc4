import { setTimeout as delay } from "node:timers/promises";

/** Time as an argument, so that two days pass in a moment in a test. */
export type Clock = {
  now(): Date;
  /** Resolves after so long, or at once when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};
