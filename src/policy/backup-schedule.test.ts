import { describe, expect, it } from "vitest";
import { isDue, nextRun, scheduleOf } from "./backup-schedule.ts";

const berlin = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };
const at = (text: string) => Date.parse(text);

function runs(schedule: typeof berlin, from: string, to: string): string[] {
  const found: string[] = [];
  let last = at(from);
  for (let now = last; now <= at(to); now += 900_000) {
    if (!isDue(schedule, last, now)) continue;
    found.push(new Date(now).toISOString());
    last = now;
  }
  return found;
}

describe("the schedule (R-134)", () => {
  it("is daily at three, not for previews, not when it is switched off", () => {
    expect(scheduleOf({}, false)).toEqual({ cron: "0 3 * * *", timeZone: "UTC" });
    expect(scheduleOf({}, true)).toBeUndefined();
    expect(scheduleOf({ backups: { schedule: false } }, false)).toBeUndefined();
    expect(scheduleOf({ backups: { schedule: "5 4 * * 1", timeZone: "Asia/Tokyo" } }, false)).toEqual({
      cron: "5 4 * * 1",
      timeZone: "Asia/Tokyo",
    });
  });

  it("runs once on the days on which the clock changes", () => {
    // 02:30 does not exist on 29 March 2026, and comes twice on 25 October 2026.
    expect(runs(berlin, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z")).toEqual([
      "2026-03-29T01:30:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
    expect(runs(berlin, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z")).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  it("makes up once for what was missed while the host was off", () => {
    const daily = { cron: "0 3 * * *", timeZone: "UTC" };
    const back = at("2026-11-21T09:00:00Z");
    expect(isDue(daily, at("2026-11-18T03:00:00Z"), back)).toBe(true);
    expect(isDue(daily, back, at("2026-11-22T02:59:00Z"))).toBe(false);
    expect(nextRun(daily, back)).toBe(at("2026-11-22T03:00:00Z"));
  });
});
