import { formatSeconds } from "../../lib/duration.ts";

/** `3 min ago`, from epoch milliseconds. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, (now - at) / 1000);
  return seconds < 1 ? "now" : `${age(at, now)} ago`;
}

/** `42 s`, `3 min`, `5 h`, `12 d`: one unit is enough for a glance. */
export function age(at: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `for 42 min more`: the rest of a window. */
export function left(until: number, now: number): string {
  return until <= now ? "over" : `${formatSeconds(Math.ceil((until - now) / 1000))} left`;
}
