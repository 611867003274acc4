import type { WeeklyWindow } from "./freeze.ts";

/** Somebody who is called: in these hours of their own time zone, by this channel. */
export type Contact = {
  name: string;
  /** `DevOps lead`. Several people may share one. */
  role: string;
  channel: string;
  /** IANA name. @default UTC */
  timeZone?: string;
  /** Absent: always. Days are 0 (Sunday) to 6, minutes after midnight. */
  hours?: readonly WeeklyWindow[];
};

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const week = 7 * day;
/** A Monday, 00:00 UTC. */
const someMonday = 4 * day;
const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Whether a contact is on call now. */
export function isOnCall({ hours, timeZone = "UTC" }: Contact, now: number): boolean {
  if (hours === undefined) return true;
  const local = localTime(now, timeZone);
  return hours.some(({ days, from, to }) => {
    const today = days.includes(local.day);
    const yesterday = days.includes((local.day + 6) % 7);
    if (from < to) return today && from <= local.minutes && local.minutes < to;
    return (today && local.minutes >= from) || (yesterday && local.minutes < to);
  });
}

/** Hours of a week, from Monday 00:00 UTC, in which none of these is on call. */
export function uncoveredHours(
  contacts: readonly Contact[],
  from: number = someMonday,
): { from: number; to: number }[] {
  const gaps: { from: number; to: number }[] = [];
  for (let at = from; at < from + week; at += hour) {
    if (contacts.some((contact) => isOnCall(contact, at))) continue;
    const last = gaps.at(-1);
    if (last?.to === at) last.to = at + hour;
    else gaps.push({ from: at, to: at + hour });
  }
  return gaps;
}

export function coveredHours(contact: Contact, from: number = someMonday): number {
  let hours = 0;
  for (let at = from; at < from + week; at += hour) if (isOnCall(contact, at)) hours += 1;
  return hours;
}

function localTime(now: number, timeZone: string): { day: number; minutes: number } {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(now);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return { day: dayNames.indexOf(of("weekday")), minutes: Number(of("hour")) * 60 + Number(of("minute")) };
}
