import { z } from "zod";
import { count, endpoint, list, names } from "./endpoint.ts";
import { scopeSchema } from "./models.ts";

const metric = z.string().regex(/^[a-z_]+\.[a-z_]+$/, "is the name of a metric, e.g. `edge.requests`");
const time = count({ min: 0, max: Number.MAX_SAFE_INTEGER });
/** `scope:shop/production,service:web`: all of them. */
const match = z
  .string()
  .max(1000)
  .regex(/^[a-z]+:[^,]+(,[a-z]+:[^,]+)*$/, "is label:value, more of them behind commas")
  .transform((text) => Object.fromEntries(text.split(",").map((pair) => pair.split(/:(.*)/s).slice(0, 2))))
  .pipe(z.record(z.string(), z.string()));
const labels = z.record(z.string(), z.string());
const head = { metric: z.string(), labels, step: z.number() };
const at = z.number();

const series = z
  .discriminatedUnion("kind", [
    z.object({
      ...head,
      kind: z.literal("gauge"),
      points: list(z.object({ at, min: z.number(), avg: z.number(), max: z.number() })),
    }),
    z.object({
      ...head,
      kind: z.literal("counter"),
      points: list(z.object({ at, increase: z.number() })),
    }),
    z.object({
      ...head,
      kind: z.literal("histogram"),
      points: list(
        z.object({
          at,
          count: z.number(),
          mean: z.number(),
          p50: z.number(),
          p95: z.number(),
          p99: z.number(),
        }),
      ),
    }),
  ])
  .meta({ id: "Series" });
export type SeriesView = z.output<typeof series>;

export const telemetryEndpoints = {
  range: endpoint({
    method: "GET",
    path: "/telemetry/range",
    needs: "read",
    on: "anywhere",
    summary: "A metric over time, by step; series of stacks that the caller may read.",
    query: z.object({
      metric,
      match: match.exactOptional(),
      /** Labels that stay apart. Absent: all. */
      groupBy: names.exactOptional(),
      /** Epoch milliseconds. */
      from: time,
      to: time,
      step: count({ min: 1000, max: 366 * 86_400_000 }).exactOptional(),
    }),
    response: z.object({ series: list(series) }),
  }),
  latest: endpoint({
    method: "GET",
    path: "/telemetry/latest",
    needs: "read",
    on: "anywhere",
    summary: "The newest value of each series of a metric.",
    query: z.object({ metric, match: match.exactOptional() }),
    response: z.object({ values: list(z.object({ labels, value: z.number(), at })) }),
  }),
  slowQueries: endpoint({
    method: "GET",
    path: "/databases/slow-queries",
    needs: "read",
    on: "anywhere",
    summary:
      "Statements that took longer than their database's threshold, the slowest first, without their literals.",
    response: z.object({
      queries: list(
        z.object({
          scope: scopeSchema,
          service: z.string(),
          database: z.string(),
          text: z.string(),
          /** Slow runs since the control plane began. */
          calls: z.number(),
          meanMs: z.number(),
          maxMs: z.number(),
          lastSeen: z.number(),
        }),
      ),
    }),
  }),
};
