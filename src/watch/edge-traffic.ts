import type { Edge, EdgeObserved, TargetCounters } from "../edge/port.ts";
import { type Histogram, subtractHistograms } from "../lib/histogram.ts";
import type { Sample } from "../telemetry/port.ts";
import type { Gauge } from "./parts.ts";

/** The release number of a replica; `undefined` when it is not known any more. */
export type ReleaseOf = (replica: string) => string | undefined;

const codes = [
  ["2xx", "status2xx"],
  ["3xx", "status3xx"],
  ["4xx", "status4xx"],
  ["5xx", "status5xx"],
  ["failed", "failures"],
] as const;

/**
 * What the edge served since the pass before, by service and release. What it had counted before the first pass is
 * not taken for traffic of now.
 */
export function edgeTraffic(edge: Pick<Edge, "observe">, releaseOf: ReleaseOf): Gauge {
  let before: Map<string, TargetCounters> | undefined;
  return {
    name: "edge",
    async read(signal) {
      const { counters } = await edge.observe(signal);
      const earlier = before;
      before = new Map(counters.map((counter) => [keyOf(counter), counter]));
      return earlier ? trafficSince(earlier, counters, releaseOf) : [];
    },
  };
}

function trafficSince(
  earlier: ReadonlyMap<string, TargetCounters>,
  counters: EdgeObserved["counters"],
  releaseOf: ReleaseOf,
): Sample[] {
  return counters.flatMap((now): Sample[] => {
    const place = placeOf(now, releaseOf);
    if (!place) return [];
    const known = earlier.get(keyOf(now));
    const then = known && known.requests <= now.requests ? known : undefined;
    const requests = codes.flatMap(([code, field]): Sample[] => {
      if (now[field] === 0) return [];
      const increase = Math.max(0, now[field] - (then?.[field] ?? 0));
      return [{ metric: "edge.requests", labels: { ...place, code }, increase }];
    });
    const histogram: Histogram = subtractHistograms(now.latency, then?.latency ?? {});
    return [...requests, { metric: "edge.latency", labels: place, histogram }];
  });
}

function keyOf({ backend, target }: TargetCounters): string {
  return `${backend}\n${target}`;
}

/** Backends are named `stack/environment/service:port`, targets `replica:port`. */
function placeOf({ backend, target }: TargetCounters, releaseOf: ReleaseOf) {
  const [, scope, service] = /^([^/]+\/[^/]+)\/(.+):\d+$/.exec(backend) ?? [];
  if (scope === undefined || service === undefined) return undefined;
  const release = releaseOf(target.replace(/:\d+$/, ""));
  return { scope, service, ...(release === undefined ? {} : { release }) };
}
