import type { PublicStatus } from "../../../../src/api/contract/status-page.ts";
import { percent } from "../../ui/format.ts";

type Days = PublicStatus["stacks"][number]["days"];

const dayMs = 24 * 3_600_000;
const shown = 90;

/** One bar for each of the last 90 days; the days that were not whole stand below it as text too. */
export function History({ days, at }: { days: Days; at: number }) {
  const byDay = new Map(days.map((day) => [Math.floor(day.at / dayMs), day.share]));
  const today = Math.floor(at / dayMs);
  const bars = Array.from({ length: shown }, (_, index) => today - shown + 1 + index);
  const whole = days.length === 0 ? undefined : days.reduce((sum, { share }) => sum + share, 0) / days.length;
  const text =
    whole === undefined
      ? "Nothing was measured yet."
      : `${percent(whole, 2)} of the time in the ${days.length === 1 ? "day" : `${days.length} days`} that were measured`;
  return (
    <div className="history">
      <svg viewBox={`0 0 ${shown * 4} 24`} preserveAspectRatio="none" role="img" aria-label={text}>
        {bars.map((day, index) => (
          <rect key={day} x={index * 4} y="0" width="3" height="24" className={toneOf(byDay.get(day))}>
            <title>
              {dateOf(day)}: {byDay.has(day) ? percent(byDay.get(day) ?? 0, 2) : "not measured"}
            </title>
          </rect>
        ))}
      </svg>
      <p className="row apart small quiet">
        <span>90 days ago</span>
        <span className="of">{text}</span>
        <span>today</span>
      </p>
    </div>
  );
}

function toneOf(share: number | undefined): string {
  if (share === undefined) return "none";
  return share >= 0.999 ? "whole" : share >= 0.99 ? "less" : "bad";
}

function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}
