import { useState } from "react";
import { clock, minute } from "./format.ts";

export type ChartSeries = {
  key: string;
  name: string;
  points: readonly { at: number; value: number }[];
};
export type ChartMarker = { at: number; kind: "deployment" | "alert" | "incident"; text: string };

const hour = 3_600_000;
/** Points further apart than this are not joined: in between nothing was measured. */
const gapMs = 20 * 60_000;

/** Lines over a day in milliseconds, a target, and what happened meanwhile. Axes and legend are text, not picture. */
export function Chart({
  from,
  to,
  series,
  markers,
  target,
}: {
  from: number;
  to: number;
  series: readonly ChartSeries[];
  markers: readonly ChartMarker[];
  target: { value: number; name: string };
}) {
  const [pointed, setPointed] = useState<number>();
  const highest = Math.max(target.value, ...series.flatMap(({ points }) => points.map(({ value }) => value)));
  const { top, step } = scale(highest);
  const x = (at: number) => ((at - from) / (to - from)) * 1000;
  const y = (value: number) => 200 - (value / top) * 200;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => top - index * step);
  const hours = [0, 6, 12, 18, 24];
  return (
    <figure className="chart">
      <div className="y" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick}>{tick}ms</span>
        ))}
      </div>
      <div
        className="plot"
        onPointerMove={({ clientX, currentTarget }) => {
          const box = currentTarget.getBoundingClientRect();
          setPointed(from + ((clientX - box.left) / box.width) * (to - from));
        }}
        onPointerLeave={() => setPointed(undefined)}
      >
        <svg
          viewBox="0 0 1000 200"
          preserveAspectRatio="none"
          role="img"
          aria-label={summary(series, target)}
        >
          {ticks.map((tick) => (
            <line key={tick} x1="0" x2="1000" y1={y(tick)} y2={y(tick)} className="grid" />
          ))}
          <line x1="0" x2="1000" y1={y(target.value)} y2={y(target.value)} className="target" />
          {markers.map((marker) => (
            <line
              key={`${marker.at} ${marker.text}`}
              x1={x(marker.at)}
              x2={x(marker.at)}
              y1="0"
              y2="200"
              className={`marker ${marker.kind}`}
            />
          ))}
          {series.map(({ key, points }, index) => (
            <path key={key} d={pathOf(points, x, y)} style={{ stroke: `var(--series-${(index % 8) + 1})` }} />
          ))}
          {pointed !== undefined && (
            <line x1={x(pointed)} x2={x(pointed)} y1="0" y2="200" className="pointer" />
          )}
        </svg>
        {markers.map((marker) => (
          <span
            key={`${marker.at} ${marker.text}`}
            className={`flag ${marker.kind}`}
            style={{ left: `${x(marker.at) / 10}%` }}
            title={`${minute(marker.at)} ${marker.text}`}
          >
            {signs[marker.kind]}
          </span>
        ))}
        {pointed !== undefined && (
          <Reading series={series} markers={markers} at={pointed} from={from} to={to} />
        )}
      </div>
      <div className="x" aria-hidden="true">
        {hours.map((count) => (
          <span key={count}>{Math.round((count * (to - from)) / (24 * hour))}h</span>
        ))}
      </div>
      <figcaption>
        <ul className="row small">
          {series.map(({ key, name }, index) => (
            <li key={key} className="row">
              <i style={{ background: `var(--series-${(index % 8) + 1})` }} /> {name}
            </li>
          ))}
          {series.length === 0 && <li className="quiet">No requests were measured yet.</li>}
          <li className="row">
            <i className="target" /> {target.name}
          </li>
          {(["deployment", "alert", "incident"] as const)
            .filter((kind) => markers.some((marker) => marker.kind === kind))
            .map((kind) => (
              <li key={kind}>
                {signs[kind]} {kind}
              </li>
            ))}
        </ul>
      </figcaption>
    </figure>
  );
}

const signs = { deployment: "▲", alert: "!", incident: "✕" } as const;

/** What stood at the time that is pointed at. */
function Reading({
  series,
  markers,
  at,
  from,
  to,
}: {
  series: readonly ChartSeries[];
  markers: readonly ChartMarker[];
  at: number;
  from: number;
  to: number;
}) {
  const share = (at - from) / (to - from);
  const near = markers.filter((marker) => Math.abs(marker.at - at) < (to - from) / 100);
  return (
    <div
      className="reading small"
      style={share > 0.6 ? { right: `${(1 - share) * 100}%` } : { left: `${share * 100}%` }}
    >
      <b>{clock(at)}</b>
      {series.map(({ key, name, points }) => {
        const closest = points.reduce<(typeof points)[number] | undefined>(
          (best, point) => (best && Math.abs(best.at - at) <= Math.abs(point.at - at) ? best : point),
          undefined,
        );
        if (!closest || Math.abs(closest.at - at) > gapMs) return null;
        return (
          <div key={key}>
            {name} {Math.round(closest.value)} ms
          </div>
        );
      })}
      {near.map((marker) => (
        <div key={`${marker.at} ${marker.text}`}>
          {signs[marker.kind]} {marker.text}
        </div>
      ))}
    </div>
  );
}

/** Five steps of a round size, at least to 1000 ms. */
export function scale(highest: number): { top: number; step: number } {
  for (let step = 200; ; step *= 2) if (step * 5 >= highest) return { top: step * 5, step };
}

function pathOf(
  points: ChartSeries["points"],
  x: (at: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  let before: number | undefined;
  for (const { at, value } of points) {
    const joined = before !== undefined && at - before <= gapMs;
    path += `${joined ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}${joined ? "" : "h0.1"}`;
    before = at;
  }
  return path;
}

function summary(series: readonly ChartSeries[], target: { name: string }): string {
  const parts = series.map(({ name, points }) => {
    const last = points.at(-1)?.value;
    const most = Math.max(...points.map(({ value }) => value));
    return last === undefined
      ? `${name}: nothing measured`
      : `${name}: now ${Math.round(last)} ms, at most ${Math.round(most)} ms`;
  });
  return `95th percentile of response times. ${parts.join("; ")}. ${target.name}.`;
}
