import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";

const longestSleepMs = 60 * 60_000;
const retryMs = 60_000;

/**
 * Runs the task every day at its time, until aborted. At the start it runs at once if the time has passed already: the
 * task itself knows what was done. A failure is tried again a minute later.
 */
export async function everyDay(
  at: { hour: number; minute: number },
  task: (now: Date) => Promise<unknown>,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<void> {
  let due = dueOn(clock.now(), at);
  while (!signal.aborted) {
    const now = clock.now();
    if (now < due) {
      // Short sleeps, so that a clock that was set is noticed.
      await clock.sleep(Math.min(due.getTime() - now.getTime(), longestSleepMs), signal);
      continue;
    }
    try {
      await task(now);
      due = dueOn(new Date(dueOn(now, at).getTime() + 24 * 60 * 60_000), at);
    } catch (error) {
      log("warn", "daily tasks failed", { reason: error instanceof Error ? error.message : String(error) });
      await clock.sleep(retryMs, signal);
    }
  }
}

/** The time of day on the day of `moment`, in UTC. */
function dueOn(moment: Date, at: { hour: number; minute: number }): Date {
  const day = new Date(moment);
  day.setUTCHours(at.hour, at.minute, 0, 0);
  return day;
}
