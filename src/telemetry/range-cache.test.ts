import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketOf } from "../lib/histogram.ts";
import { createMemoryTelemetry } from "./drivers/memory.ts";
import type { MetricName } from "./metrics.ts";
import type { Sample } from "./port.ts";

const start = 1_700_000_000_000 - (1_700_000_000_000 % 86_400_000);
const pass = 10_000;
const hour = 3_600_000;

function samplesAt(index: number): Sample[] {
  return Array.from({ length: 12 }, (_, service) => service).flatMap((service): Sample[] => {
    const labels = { scope: `stack${service % 4}/production`, service: `s${service}` };
    // Some fall silent for a while, or appear late.
    if ((index >> 6) % 13 === service) return [];
    const ms = 5 + ((index * 7 + service * 31) % 400);
    return [
      { metric: "edge.latency", labels, histogram: { [bucketOf(ms)]: 3, [bucketOf(ms * 2)]: 1 } },
      { metric: "edge.requests", labels, increase: 4 },
      { metric: "replica.memory", labels: { ...labels, replica: `r${index >> 9}` }, value: index + service },
    ];
  });
}

describe("held steps of a range", () => {
  it("give the same answer as reading everything, whatever was asked before", () => {
    const telemetry = createMemoryTelemetry();
    let count = 0;
    const ahead = (passes: number) => {
      for (const end = count + passes; count < end; count += 1)
        telemetry.record(start + count * pass, samplesAt(count));
      return start + count * pass;
    };
    ahead(900);
    let asked = 0;
    let held = 0;
    const question = fc.record({
      passes: fc.nat({ max: 12 }),
      metric: fc.constantFrom<MetricName>("edge.latency", "edge.requests", "replica.memory"),
      groupBy: fc.constantFrom(["scope", "service"], ["scope"]),
      step: fc.constantFrom(60_000, 60_000, 300_000),
      hours: fc.constantFrom(2, 2, 2.3),
      before: fc.constantFrom(0, 0, 0, 0, 1, 61 * 60_000),
    });
    fc.assert(
      fc.property(question, ({ passes, hours, before, groupBy, ...rest }) => {
        const to = ahead(passes) - before;
        const query = { ...rest, groupBy, from: to - hours * hour, to };
        asked += 1;
        const answer = telemetry.range(query);
        // A label that nothing has changes no answer, but nobody has asked so before: all of it is read.
        expect(answer).toEqual(telemetry.range({ ...query, groupBy: [...groupBy, `n${asked}`] }));
        held += answer.length;
      }),
      { numRuns: 60, seed: 4 },
    );
    expect(held).toBeGreaterThan(200);
  });
});
