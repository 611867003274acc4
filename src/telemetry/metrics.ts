/** gauge: a value at a time. counter: only grows; what counts is the increase. histogram: durations in ms. */
export type MetricKind = "gauge" | "counter" | "histogram";

export type MetricDefinition = {
  kind: MetricKind;
  /** Unit in the sense of OpenMetrics; `1` where there is none. Histograms are recorded in milliseconds whatever this says. */
  unit: "seconds" | "bytes" | "cores" | "ratio" | "1";
  /** One sentence, also the HELP line of OpenMetrics. */
  help: string;
  /**
   * How gauges of several series become one when a query groups them: `sum` (memory of all replicas of a service) or
   * `spread` (least, mean and greatest of all). Counters always add up, histograms always merge.
   */
  across?: "sum" | "spread";
};

/** Everything that is measured. OpenMetrics names, the reference page and the validation of queries are made of it. */
export const metrics = {
  "edge.requests": {
    kind: "counter",
    unit: "1",
    help: "Requests that the edge answered, by class of their status; failed: no answer came from the service.",
  },
  "edge.latency": {
    kind: "histogram",
    unit: "seconds",
    help: "Time from request to the head of the response as the edge saw it.",
  },
  "service.wanted": {
    kind: "gauge",
    unit: "1",
    help: "Replicas that a service should have.",
    across: "sum",
  },
  "service.ready": {
    kind: "gauge",
    unit: "1",
    help: "Replicas of the current release that are ready.",
    across: "sum",
  },
  "service.up": {
    kind: "gauge",
    unit: "1",
    help: "1 while at least one replica of the current release is ready, else 0; absent while it is stopped.",
    across: "spread",
  },
  "replica.cpu": { kind: "gauge", unit: "cores", help: "CPU in use; 1 is one core.", across: "sum" },
  "replica.memory": { kind: "gauge", unit: "bytes", help: "Memory in use.", across: "sum" },
  "replica.memory_limit": {
    kind: "gauge",
    unit: "bytes",
    help: "Memory that a replica may use at most; absent without a limit.",
    across: "sum",
  },
  "replica.disk_read": { kind: "counter", unit: "bytes", help: "Bytes read from disk." },
  "replica.disk_write": { kind: "counter", unit: "bytes", help: "Bytes written to disk." },
  "replica.net_in": { kind: "counter", unit: "bytes", help: "Bytes received." },
  "replica.net_out": { kind: "counter", unit: "bytes", help: "Bytes sent." },
  "replica.restarts": { kind: "counter", unit: "1", help: "Restarts that the runtime did by itself." },
  "replica.oom_kills": { kind: "counter", unit: "1", help: "Ends of a replica for lack of memory." },
  "host.cpu": { kind: "gauge", unit: "ratio", help: "Share of all cores in use.", across: "spread" },
  "host.load": {
    kind: "gauge",
    unit: "1",
    help: "Programs that want to run, mean of a minute.",
    across: "spread",
  },
  "host.memory": {
    kind: "gauge",
    unit: "bytes",
    help: "Memory that is not available to new programs.",
    across: "sum",
  },
  "host.memory_total": { kind: "gauge", unit: "bytes", help: "Memory of the host.", across: "sum" },
  "host.disk": { kind: "gauge", unit: "bytes", help: "Room in use on a file system.", across: "sum" },
  "host.disk_total": { kind: "gauge", unit: "bytes", help: "Size of a file system.", across: "sum" },
  "host.disk_read": { kind: "counter", unit: "bytes", help: "Bytes that all disks of the host read." },
  "host.disk_write": { kind: "counter", unit: "bytes", help: "Bytes that all disks of the host wrote." },
  "certificate.expires": {
    kind: "gauge",
    unit: "seconds",
    help: "When a certificate ends, in seconds since 1970.",
    across: "spread",
  },
  "dependency.up": {
    kind: "gauge",
    unit: "1",
    help: "1 when a probe of an outside service succeeded, else 0.",
    across: "spread",
  },
  "dependency.latency": { kind: "histogram", unit: "seconds", help: "Time that such a probe took." },
  "route.up": {
    kind: "gauge",
    unit: "1",
    help: "1 when a public route answered below 500 through the edge, else 0.",
    across: "spread",
  },
  "route.latency": { kind: "histogram", unit: "seconds", help: "Time that such a request took." },
  "database.connections": { kind: "gauge", unit: "1", help: "Open connections.", across: "sum" },
  "database.connections_max": {
    kind: "gauge",
    unit: "1",
    help: "Connections that the server takes at most.",
    across: "sum",
  },
  "database.query_time": { kind: "histogram", unit: "seconds", help: "Time of statements." },
  "database.cache_hit": {
    kind: "gauge",
    unit: "ratio",
    help: "Share of block reads that needed no disk.",
    across: "spread",
  },
  "database.slow_queries": {
    kind: "counter",
    unit: "1",
    help: "Statements that took longer than the threshold.",
  },
  "database.slowest_query": {
    kind: "gauge",
    unit: "seconds",
    help: "Time of the slowest of those statements; absent while there are none.",
    across: "spread",
  },
  "platform.cpu": {
    kind: "gauge",
    unit: "cores",
    help: "CPU in use by Roadstead itself; 1 is one core.",
    across: "sum",
  },
  "platform.memory": {
    kind: "gauge",
    unit: "bytes",
    help: "Memory in use by Roadstead itself.",
    across: "sum",
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metrics;

export const metricNames = Object.keys(metrics) as readonly MetricName[];

export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metrics, name);
}

export function definitionOf(name: MetricName): MetricDefinition {
  return metrics[name];
}
