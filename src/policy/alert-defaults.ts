import type { AlertLevel, AlertRule, AlertSeverity } from "./alert-rule.ts";

/**
 * The rules that hold from the first minute, for every stack. Each number can be changed per stack in
 * `x-roadstead.alerts`; the durations are what keeps a deploy, a short spike and a busy minute quiet.
 */
export const defaultRules: readonly AlertRule[] = [
  {
    name: "service-down",
    title: "Service Down",
    measure: { kind: "missing", by: ["scope", "service"] },
    side: "reaches",
    // Two of three replicas ready is a warning; none is an outage.
    levels: [
      level("warning", 0.01, { clear: 0, minutes: 5 }),
      level("critical", 1, { clear: 0.99, minutes: 1 }),
    ],
    clearSeconds: 30,
    unit: "share",
    hint: "`roadstead health` says which probe failed with which answer, `roadstead logs` what it last said.",
    incident: "service",
  },
  {
    name: "restart-loop",
    title: "Restart Loop",
    measure: { kind: "increase", metric: "replica.restarts", by: ["scope", "service"], windowSeconds: 600 },
    side: "reaches",
    levels: [level("critical", 2, { clear: 0, minutes: 0 })],
    clearSeconds: 60,
    unit: "count",
    hint: "It was started again and died again: `roadstead logs`, then `roadstead rollback`.",
    incident: "service",
  },
  {
    name: "out-of-memory",
    title: "Out of Memory",
    measure: { kind: "increase", metric: "replica.oom_kills", by: ["scope", "service"], windowSeconds: 600 },
    side: "reaches",
    levels: [level("warning", 1, { clear: 0, minutes: 0 }), level("critical", 3, { clear: 2, minutes: 0 })],
    clearSeconds: 60,
    unit: "count",
    hint: "The kernel killed it at its limit. Raise `deploy.resources.limits.memory`, or find what grows.",
    incident: "service",
  },
  {
    name: "error-rate",
    title: "High Error Rate",
    measure: { kind: "errors", by: ["scope", "service"], minimum: 20 },
    side: "reaches",
    levels: [
      level("warning", 0.01, { clear: 0.005, minutes: 5 }),
      { ...level("critical", 0.05, { clear: 0.03, minutes: 3 }), side: "above" },
    ],
    clearSeconds: 120,
    unit: "share",
    hint: "If it began with a deployment: `roadstead rollback`. `roadstead logs` shows the errors.",
    incident: "service",
  },
  {
    name: "latency",
    title: "High Response Time",
    measure: { kind: "p95", metric: "edge.latency", by: ["scope", "service"], minimum: 20 },
    side: "reaches",
    levels: [
      level("warning", 500, { clear: 400, minutes: 5 }),
      level("critical", 1000, { clear: 800, minutes: 3 }),
    ],
    clearSeconds: 180,
    unit: "ms",
    hint: "Look at CPU, database and dependencies of the same minutes; `roadstead scale` adds replicas.",
    incident: "service",
  },
  {
    name: "memory",
    title: "High Memory Usage",
    measure: {
      kind: "gauge",
      metric: "replica.memory",
      of: "replica.memory_limit",
      by: ["scope", "service"],
    },
    side: "above",
    levels: [
      level("warning", 0.8, { clear: 0.75, minutes: 5 }),
      level("critical", 0.95, { clear: 0.9, minutes: 2 }),
    ],
    clearSeconds: 180,
    unit: "share",
    hint: "At its limit it is killed. Raise `deploy.resources.limits.memory`, or find what grows.",
    incident: "service",
  },
  {
    name: "route-down",
    title: "Route Unreachable",
    measure: { kind: "gauge", metric: "route.up", by: ["scope", "service", "route"], take: "avg" },
    side: "below",
    levels: [level("critical", 0.5, { clear: 0.9, minutes: 1 })],
    clearSeconds: 60,
    unit: "share",
    hint: "Asked through the edge as a visitor would: `roadstead health`, then certificates and DNS.",
    incident: "service",
  },
  {
    name: "dependency-down",
    title: "Dependency Down",
    measure: { kind: "gauge", metric: "dependency.up", by: ["scope", "dependency"], take: "avg" },
    side: "below",
    levels: [level("warning", 0.5, { clear: 0.9, minutes: 2 })],
    clearSeconds: 60,
    unit: "share",
    hint: "Somebody else's service: see its status page; nothing here mends it.",
    incident: "service",
  },
  {
    name: "database-connections",
    title: "Database Connections",
    measure: {
      kind: "gauge",
      metric: "database.connections",
      of: "database.connections_max",
      by: ["scope", "service", "database"],
    },
    side: "above",
    levels: [
      level("warning", 0.8, { clear: 0.7, minutes: 5 }),
      level("critical", 0.95, { clear: 0.9, minutes: 2 }),
    ],
    clearSeconds: 120,
    unit: "share",
    hint: "Beyond the limit new connections are refused: smaller pools, or a higher `max_connections`.",
    incident: "database",
  },
  {
    name: "slow-queries",
    title: "Slow Query Detected",
    measure: {
      kind: "increase",
      metric: "database.slow_queries",
      by: ["scope", "service", "database"],
      windowSeconds: 300,
    },
    side: "reaches",
    levels: [level("info", 1, { clear: 0, minutes: 0 })],
    clearSeconds: 60,
    unit: "count",
    hint: "The database panel has the statements; most often an index is missing.",
    incident: "database",
  },
  ...hostRules(),
  ...factRules(),
];

function hostRules(): AlertRule[] {
  return [
    {
      name: "host-cpu",
      title: "High CPU Usage",
      measure: { kind: "gauge", metric: "host.cpu", by: ["host"] },
      side: "above",
      levels: [
        level("warning", 0.9, { clear: 0.8, minutes: 10 }),
        level("critical", 0.97, { clear: 0.9, minutes: 20 }),
      ],
      clearSeconds: 300,
      unit: "share",
      hint: "`roadstead stats` shows who uses it.",
      incident: "server",
    },
    {
      name: "host-memory",
      title: "Host Memory",
      measure: { kind: "gauge", metric: "host.memory", of: "host.memory_total", by: ["host"] },
      side: "above",
      levels: [
        level("warning", 0.9, { clear: 0.85, minutes: 5 }),
        level("critical", 0.95, { clear: 0.92, minutes: 2 }),
      ],
      clearSeconds: 180,
      unit: "share",
      hint: "Without room the kernel kills whatever is largest: `roadstead stats`, then limits.",
      incident: "server",
    },
    {
      name: "disk",
      title: "Disk Filling",
      measure: { kind: "gauge", metric: "host.disk", of: "host.disk_total", by: ["host", "mount"] },
      side: "reaches",
      levels: [
        level("warning", 0.8, { clear: 0.78, minutes: 5 }),
        level("critical", 0.9, { clear: 0.88, minutes: 2 }),
      ],
      clearSeconds: 120,
      unit: "share",
      hint: "`roadstead images --prune` removes images that nothing needs.",
      incident: "server",
    },
    {
      name: "disk-full-in",
      title: "Disk Full Soon",
      measure: { kind: "fullIn", metric: "host.disk", of: "host.disk_total", by: ["host", "mount"] },
      side: "below",
      levels: [
        level("warning", 4, { clear: 6, minutes: 30 }),
        level("critical", 1, { clear: 1.5, minutes: 30 }),
      ],
      clearSeconds: 1800,
      unit: "days",
      hint: "It grows steadily: logs, uploads or a database. Find which, before it stops everything.",
      incident: "server",
      everySeconds: 300,
    },
    {
      name: "certificate",
      title: "Certificate Expires",
      measure: { kind: "daysUntil", metric: "certificate.expires", by: ["host"] },
      side: "below",
      levels: [
        level("warning", 14, { clear: 15, minutes: 0 }),
        level("critical", 3, { clear: 4, minutes: 0 }),
      ],
      clearSeconds: 0,
      unit: "days",
      hint: "Put a new `<name>.crt` and `<name>.key` into `<home>/certificates`.",
      incident: "server",
      everySeconds: 60,
    },
  ];
}

function factRules(): AlertRule[] {
  return [
    {
      name: "deployment-failed",
      title: "Deployment Failed",
      measure: { kind: "fact", fact: "deploymentFailed" },
      side: "reaches",
      levels: [level("warning", 1, { clear: 0, minutes: 0 })],
      clearSeconds: 0,
      unit: "count",
      hint: "What served before goes on serving. `roadstead rollout` shows the step that failed, and why.",
      incident: "service",
    },
    {
      name: "deployment-stuck",
      title: "Deployment Stuck",
      measure: { kind: "fact", fact: "deploymentStuck" },
      side: "reaches",
      levels: [level("warning", 30, { clear: 1, minutes: 0 })],
      clearSeconds: 0,
      unit: "minutes",
      hint: "`roadstead rollout` shows where it waits; `roadstead abort` goes back to what served.",
      incident: "service",
    },
    {
      name: "backup-overdue",
      title: "Backup Overdue",
      measure: { kind: "fact", fact: "backupAge" },
      side: "above",
      levels: [
        level("warning", 24, { clear: 24, minutes: 0 }),
        level("critical", 48, { clear: 48, minutes: 0 }),
      ],
      clearSeconds: 0,
      unit: "hours",
      hint: "Run one by hand and see what it says; what changes meanwhile can't be restored.",
      incident: "database",
    },
    {
      name: "backup-suspect",
      title: "Backup Suspect",
      measure: { kind: "fact", fact: "backupSuspect" },
      side: "reaches",
      levels: [level("critical", 1, { clear: 0, minutes: 0 })],
      clearSeconds: 0,
      unit: "count",
      hint: "It may not be restorable: make another, and restore that one into a throw-away database.",
      incident: "database",
    },
  ];
}

function level(
  severity: AlertSeverity,
  at: number,
  { clear, minutes }: { clear: number; minutes: number },
): AlertLevel {
  return { severity, at, clear, forSeconds: minutes * 60 };
}
