import { describe, expect, it } from "vitest";
import type { SeriesView } from "../../api/contract/telemetry.ts";
import { renderServiceUse, serviceUse } from "./stats-since.ts";
import { plainStyle } from "./style.ts";

const web = { service: "web" };
const head = { labels: web, step: 60_000 };
const series: SeriesView[] = [
  {
    ...{ ...head, metric: "replica.cpu", kind: "gauge" },
    points: [
      { at: 0, min: 0, avg: 0.1, max: 0.2 },
      { at: 60_000, min: 0, avg: 0.3, max: 0.9 },
    ],
  },
  { ...head, metric: "replica.net_in", kind: "counter", points: [{ at: 0, increase: 1024 }] },
  { ...head, metric: "replica.net_out", kind: "counter", points: [{ at: 0, increase: 1024 }] },
  {
    ...{ ...head, metric: "edge.requests", labels: { ...web, code: "2xx" }, kind: "counter" },
    points: [{ at: 0, increase: 998 }],
  },
  {
    ...{ ...head, metric: "edge.requests", labels: { ...web, code: "5xx" }, kind: "counter" },
    points: [{ at: 0, increase: 2 }],
  },
  {
    ...{ ...head, metric: "edge.latency", kind: "histogram" },
    points: [{ at: 0, count: 1000, mean: 5, p50: 4, p95: 20, p99: 40 }],
  },
];

describe("stats of a time", () => {
  it("adds up what each service used and served (R-171)", () => {
    expect(serviceUse(series)).toEqual([
      {
        ...{ service: "web", cpu: { mean: 0.2, max: 0.9 }, networkBytes: 2048 },
        ...{ requests: 1000, errorShare: 0.002, p95Ms: 20 },
      },
    ]);
  });

  it("is a table with a dash for what was not measured", () => {
    const [, row] = renderServiceUse(serviceUse(series), plainStyle).split("\n");
    expect(row?.trim().split(/ {2,}/)).toEqual([
      ...["web", "20.0 % / 90.0 %", "-", expect.stringMatching(/^2.* Ki?B$/i), "-", "-"],
      ...["1000", "0.2 %", "20 ms"],
    ]);
    expect(renderServiceUse([], plainStyle)).toBe("Nothing was measured in this time.\n");
  });
});
