import { edgeTraffic } from "./edge-traffic.ts";
import { certificateEnds, hostUse, ownUse } from "./host.ts";
import { OpenMetrics } from "./open-metrics.ts";
import type { Gauge, WatchParts } from "./parts.ts";
import { ReplicaBook, replicaLives, replicaUse, serviceHealth } from "./replicas.ts";
import { Watch } from "./watch.ts";

/** Everything that is measured by itself, and what Prometheus may read of it. */
export function makeWatch(
  parts: WatchParts,
  more: readonly Gauge[] = [],
): { watch: Watch; openMetrics: OpenMetrics } {
  const book = new ReplicaBook(parts);
  const openMetrics = new OpenMetrics();
  const gauges = [
    replicaLives(parts, book),
    replicaUse(parts, book),
    serviceHealth(parts),
    edgeTraffic(parts.edge, (replica) => book.labelsOf(replica)?.["release"]),
    hostUse(parts.home),
    ownUse(parts.clock.now),
    certificateEnds(parts.certificates),
    ...more,
  ];
  return { watch: new Watch(parts, gauges, [(at, samples) => openMetrics.take(at, samples)]), openMetrics };
}
