import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { histogramOf, start } from "../conformance.ts";
import type { Sample } from "../port.ts";
import { openSqliteTelemetry } from "./sqlite.ts";

const root = mkdtempSync(join(tmpdir(), "roadstead-telemetry-year-"));
afterAll(() => rmSync(root, { recursive: true }));

const hour = 3_600_000;
const day = 24 * hour;

describe("a year of telemetry", () => {
  it("R-199 stays within its bound over a year of 50 services, keeps a year of hours, and drops the rest", () => {
    const path = join(root, "telemetry.db");
    const maxBytes = 8 * 1024 * 1024;
    const telemetry = openSqliteTelemetry(path, { maxBytes });
    const names = Array.from({ length: 50 }, (_, index) => `s${index}`);
    let largest = 0;
    let slowestMs = 0;
    // Passes are two hours apart, and every month all services are deployed: new series.
    for (let at = start; at < start + 400 * day; at += 2 * hour) {
      const release = `${Math.floor((at - start) / (30 * day))}`;
      const samples = names.flatMap((service, index) =>
        samplesOf({ scope: "shop/production", service, release }, at, index),
      );
      const before = performance.now();
      telemetry.record(at, samples);
      slowestMs = Math.max(slowestMs, performance.now() - before);
      largest = Math.max(largest, statSync(path).size);
    }
    const end = start + 400 * day;
    const query = { metric: "edge.requests", groupBy: [], to: end } as const;
    expect(largest).toBeLessThan(maxBytes * 1.25);
    // Sealing an hour, folding a day and deleting are in it: no request waits long for them.
    expect(slowestMs).toBeLessThan(1000);
    const [days] = telemetry.range({ ...query, from: end - 360 * day, step: day });
    expect(days?.points).toHaveLength(360);
    expect(telemetry.range({ ...query, from: start, to: start + 30 * day, step: day })).toEqual([]);
    telemetry.close();
  });
});

function samplesOf(labels: Record<string, string>, at: number, index: number): Sample[] {
  const wave = Math.round(1000 + 500 * Math.sin(at / hour + index));
  return [
    { metric: "edge.requests", labels, increase: wave },
    { metric: "edge.latency", labels, histogram: histogramOf([wave / 100, wave / 90, wave / 10]) },
  ];
}
