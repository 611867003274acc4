/** Nothing is deployed there until then, unless somebody says so. */
export type Freeze = {
  /** Absent: every stack. */
  stack?: string;
  /** Absent: every environment. */
  environment?: string;
  /** Absent: until it is taken off. */
  until?: number;
  reason: string;
};

/** A weekly window: days (0 is Sunday) and minutes after midnight, in UTC. One that ends before it begins ends on the next day. */
export type WeeklyWindow = { days: readonly number[]; from: number; to: number };

export type Closed = {
  /** Absent: nobody knows. */
  until?: number;
  why: string;
};

const minute = 60_000;
const day = 24 * 60 * minute;

/** Why nothing may be deployed in this stack and environment now; undefined: it may. */
export function closedBy(
  { freezes, windows }: { freezes: readonly Freeze[]; windows: readonly WeeklyWindow[] },
  scope: { stack: string; environment: string },
  now: number,
): Closed | undefined {
  const holding = freezes.find((freeze) => holds(freeze, scope, now));
  if (holding) {
    const until = holding.until === undefined ? {} : { until: holding.until };
    return { ...until, why: `frozen: ${holding.reason}` };
  }
  const opens = nextOpening(windows, now);
  return opens === undefined ? undefined : { until: opens, why: "outside the maintenance windows" };
}

function holds(freeze: Freeze, scope: { stack: string; environment: string }, now: number): boolean {
  return (
    (freeze.stack ?? scope.stack) === scope.stack &&
    (freeze.environment ?? scope.environment) === scope.environment &&
    (freeze.until === undefined || now < freeze.until)
  );
}

/** When the next window opens; undefined: one is open, or there is none at all. */
export function nextOpening(windows: readonly WeeklyWindow[], now: number): number | undefined {
  if (windows.length === 0) return undefined;
  const today = Math.floor(now / day) * day;
  let next = Number.POSITIVE_INFINITY;
  // From yesterday, whose window may reach into today, to the same day next week.
  for (let start = today - day; start <= today + 7 * day; start += day) {
    for (const { days, from, to } of windows) {
      if (!days.includes(dayOfWeek(start))) continue;
      const opens = start + from * minute;
      const closes = start + to * minute + (to <= from ? day : 0);
      if (opens <= now && now < closes) return undefined;
      if (opens > now) next = Math.min(next, opens);
    }
  }
  return next;
}

/** 1 January 1970 was a Thursday. */
function dayOfWeek(start: number): number {
  return (Math.floor(start / day) + 4) % 7;
}
