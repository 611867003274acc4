import { Cron } from "croner";
import type { Stack } from "../stack/stack.ts";

export const defaultSchedule = "0 3 * * *";

export type Schedule = { cron: string; timeZone: string };

/** When a stack is backed up; undefined: by hand only. Previews come and go with their branches. */
export function scheduleOf(stack: Pick<Stack, "backups">, preview: boolean): Schedule | undefined {
  const cron = stack.backups?.schedule ?? defaultSchedule;
  if (cron === false || preview) return undefined;
  return { cron, timeZone: stack.backups?.timeZone ?? "UTC" };
}

/** The first time beyond `after`, epoch ms; undefined: never again. A day on which the clock changes has one run. */
export function nextRun({ cron, timeZone }: Schedule, after: number): number | undefined {
  return new Cron(cron, { timezone: timeZone, paused: true }).nextRun(new Date(after))?.getTime();
}

/**
 * Whether a run is due: a time of the schedule has passed since the last attempt. However many were missed while the
 * host was off, one makes up for them. What was never backed up counts from when it was first seen.
 */
export function isDue(schedule: Schedule, since: number, now: number): boolean {
  const next = nextRun(schedule, since);
  return next !== undefined && next <= now;
}
