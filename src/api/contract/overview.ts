import { z } from "zod";
import { endpoint, list } from "./endpoint.ts";
import { scopeSchema } from "./models.ts";

/**
 * Everything that the first page shows, in one answer: the seven panels in their order. A number that nothing has
 * measured yet is absent, never 0. Times are epoch milliseconds.
 */

/** One word of the legend: healthy, warning, critical, or nothing known. */
const state = z.enum(["healthy", "warning", "critical", "unknown"]);

/** A tile: what it shows, and the word under it with its state (`Normal`, `Good`, `Fast`, …). */
const tile = z.object({ state, word: z.string() });

const healthPanel = z.object({
  services: tile.extend({ healthy: z.number().int(), total: z.number().int() }),
  /** Edge-wide, over the last 20 seconds. */
  requestRate: tile.extend({ perSecond: z.number().exactOptional() }),
  /** Share of 5xx answers and failed requests, 0 to 1, over the last minute. */
  errorRate: tile.extend({ share: z.number().exactOptional() }),
  /** Mean, over the last minute. */
  latency: tile.extend({ meanMs: z.number().exactOptional() }),
  /** Present warnings, the gravest first: `High Memory: 85%`. */
  warnings: list(z.object({ scope: scopeSchema, service: z.string(), text: z.string() })),
});

/** What one component of a project is like; its services are named so that the page can link them. */
const component = z.object({
  state: z.enum(["up", "warn", "down", "unknown"]),
  services: list(z.string()),
  message: z.string().exactOptional(),
});

const projectRow = z.object({
  scope: scopeSchema,
  /** Absent: the project has no such component. */
  backend: component.exactOptional(),
  web: component.exactOptional(),
  landing: component.exactOptional(),
  /** 0 to 1 over the last 24 hours, from the probes. */
  availability: z.number().exactOptional(),
  lastDeploy: z
    .object({ at: z.number(), release: z.string(), number: z.number().int(), deployment: z.string() })
    .exactOptional(),
});

const responseTimePanel = z.object({
  from: z.number(),
  to: z.number(),
  targetMs: z.number(),
  /** The services with most requests, at most eight; `p95` in milliseconds. */
  series: list(
    z.object({
      scope: scopeSchema,
      service: z.string(),
      points: list(z.object({ at: z.number(), p95: z.number() })),
    }),
  ),
  markers: list(
    z.object({
      at: z.number(),
      kind: z.enum(["deployment", "alert", "incident"]),
      scope: scopeSchema.exactOptional(),
      text: z.string(),
    }),
  ),
});

/** At most three, the largest first; `value` in the unit of its gauge. */
const consumers = list(z.object({ scope: scopeSchema, service: z.string(), value: z.number() }));

const utilisationPanel = z.object({
  /** Per cent of the host. */
  cpu: z.object({ percent: z.number().exactOptional(), top: consumers }),
  /** Per cent of the host; the consumers' in per cent of their own limit, or of the host without one. */
  memory: z.object({ percent: z.number().exactOptional(), top: consumers }),
  /** Bytes per second, read and written. */
  disk: z.object({ bytesPerSecond: z.number().exactOptional(), top: consumers }),
});

const alertRow = z.object({
  id: z.string(),
  severity: z.enum(["info", "warning", "critical"]),
  scope: scopeSchema.exactOptional(),
  /** What it is about: a service, a host, a certificate. */
  subject: z.string(),
  /** With value and threshold: `High Memory Usage (85% > 80%)`. */
  message: z.string(),
  since: z.number(),
  acknowledgedBy: z.string().exactOptional(),
});

const databaseRow = z.object({
  scope: scopeSchema,
  service: z.string(),
  database: z.string(),
  connections: z.number().exactOptional(),
  connectionsMax: z.number().exactOptional(),
  queryMeanMs: z.number().exactOptional(),
  /** In the last 24 hours. */
  slowQueries: z.number().exactOptional(),
  /** 0 to 1. */
  cacheHit: z.number().exactOptional(),
});

const dependencyRow = z.object({
  scope: scopeSchema,
  name: z.string(),
  state: z.enum(["up", "warn", "down", "unknown"]),
  latencyMs: z.number().exactOptional(),
  /** 0 to 1 over the last 24 hours. */
  successShare: z.number().exactOptional(),
  checkedAt: z.number().exactOptional(),
  message: z.string().exactOptional(),
});

export const overviewSchema = z
  .object({
    at: z.number(),
    /** When the collector last wrote; the page calls the board stale when this is long ago. */
    measuredAt: z.number().exactOptional(),
    health: healthPanel,
    projects: list(projectRow),
    responseTime: responseTimePanel,
    utilisation: utilisationPanel,
    alerts: list(alertRow),
    databases: list(databaseRow),
    dependencies: list(dependencyRow),
  })
  .meta({ id: "Overview" });
export type OverviewView = z.output<typeof overviewSchema>;

export const overviewEndpoints = {
  overview: endpoint({
    method: "GET",
    path: "/overview",
    needs: "read",
    on: "anywhere",
    summary:
      "The first page: health, projects, response time, utilisation, alerts, databases, dependencies; in one answer.",
    response: overviewSchema,
  }),
};
