import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { definitionOf, metricNames } from "../telemetry/metrics.ts";
import { openMetricsName } from "./open-metrics.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/grafana-dashboard.json"), "utf8");
const dashboard = JSON.parse(text) as {
  panels: {
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    targets: { expr: string }[];
  }[];
  templating: { list: { query: string }[] };
};
const asked = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.map(({ query }) => query),
].flatMap((expression) => expression.match(/roadstead_\w+/g) ?? []);

/** The names of the samples that `/metrics` writes for a metric. */
const told = metricNames.flatMap((metric) => {
  const name = openMetricsName(metric);
  const { kind } = definitionOf(metric);
  if (kind === "gauge") return [name];
  return kind === "counter" ? [`${name}_total`] : ["_bucket", "_count", "_sum"].map((end) => `${name}${end}`);
});

describe("the dashboard for Grafana (R-168)", () => {
  it("asks for nothing that is not told", () => {
    expect(asked.length).toBeGreaterThan(30);
    expect([...new Set(asked)].filter((name) => !told.includes(name))).toEqual([]);
  });

  it("shows every metric but the ones that say the same in another way", () => {
    const missing = metricNames.filter(
      (metric) => !asked.some((name) => name.startsWith(openMetricsName(metric))),
    );
    expect(missing).toEqual(["replica.disk_read", "replica.disk_write", "host.load"]);
  });

  it("has panels that do not lie on each other", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});
