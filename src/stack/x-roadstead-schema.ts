import { z } from "zod";
import { alertsSchema } from "./x-roadstead-alerts.ts";
import { backupsSchema } from "./x-roadstead-backups.ts";
import { dependenciesSchema } from "./x-roadstead-dependencies.ts";
import { imageSchema } from "./x-roadstead-gates.ts";
import {
  canarySchema,
  healthSchema,
  rateLimitSchema,
  releaseSchema,
  routeSchema,
  siteSchema,
  smokeSchema,
} from "./x-roadstead-parts.ts";
import { pipelineSchema } from "./x-roadstead-pipeline.ts";
import { updateSchema } from "./x-roadstead-update.ts";
import { duration, field, flag, host, integer, size } from "./x-roadstead-values.ts";

/**
 * The shapes of `x-roadstead`. Everything is optional: defaults depend on the rest of the service and are applied by
 * build-stack.ts. The texts here are the reference manual: docs/x-roadstead.md is generated from them.
 */

export const kinds = ["web", "worker", "static", "database", "job"] as const;
export const strategies = ["recreate", "rolling", "blue-green", "canary", "singleton"] as const;

const serviceFields = {
  kind: field(z.enum(kinds, { error: `expected one of ${kinds.join(", ")}` }), {
    type: kinds.join(", "),
    default: "inferred",
    description: "What the service is; see the rules below.",
  }),
  routes: field(z.array(routeSchema, { error: "expected a list of routes" }), {
    type: "list of routes",
    default: "one host for a web service; see the rules below",
    description: "Public entries on the edge. An empty list keeps a web service private.",
    example: "[api.example.com, {host: example.com, path: /api, port: 3000}]",
  }),
  strategy: field(z.enum(strategies, { error: `expected one of ${strategies.join(", ")}` }), {
    type: strategies.join(", "),
    default: "inferred",
    description: "How a new release replaces the old one; see the rules below.",
  }),
  canary: field(canarySchema, {
    type: "mapping",
    default: "none; given alone it means `strategy: canary`",
    description: "How a canary is judged on its own traffic.",
  }),
  keepWarm: field(duration(), {
    type: "duration",
    default: "60m for blue-green and canary, else 0s",
    description: "Rollback window: the replaced replicas stay warm.",
  }),
  release: field(releaseSchema, {
    type: "mapping",
    default: "none",
    description: "Job that runs once per release, before it gets traffic, e.g. database migrations.",
  }),
  smoke: field(z.array(smokeSchema, { error: "expected a list of checks" }), {
    type: "list of checks",
    default: "none",
    description: "Requests through the real edge that must answer as written after the cut-over.",
    example: '["GET /api/health 200"]',
  }),
  health: field(healthSchema, {
    type: "mapping",
    default: "the Compose healthcheck; see the rules below",
    description: "How readiness is decided. Name exactly one of `http`, `tcp`, `exec`, or only timings.",
  }),
  sticky: field(z.union([z.literal("cookie"), flag()], { error: "expected cookie, true or false" }), {
    type: "cookie, true or false",
    default: "false",
    description: "A cookie keeps a client on its replica, also during a canary.",
  }),
  drain: field(duration(), {
    type: "duration",
    default: "30s",
    description: "In-flight requests and open WebSockets of a replaced replica get this long.",
  }),
  readyTimeout: field(duration(), {
    type: "duration",
    default: "120s plus the start period",
    description:
      "A new replica that is not ready by then fails the deployment; the old one keeps its traffic.",
  }),
  hold: field(duration(), {
    type: "duration",
    default: "30s",
    description:
      "The longest that the edge holds requests while a singleton or recreated service is switched.",
  }),
  bodyLimit: field(size(), {
    type: "size",
    default: "no limit",
    description: "Larger request bodies get 413 from the edge.",
  }),
  rateLimit: field(rateLimitSchema, {
    type: "mapping",
    default: "no limit",
    description: "Requests per client address.",
  }),
  site: field(siteSchema, {
    type: "mapping",
    default: "none",
    description: "Static files served by the edge, without a running replica. Makes the kind `static`.",
  }),
  image: field(imageSchema, {
    type: "mapping",
    default: "none",
    description: "What the built image has to keep to, and where it goes.",
    example: "{maxSize: 250mb, push: true, tags: [latest]}",
  }),
  slowQuery: field(duration(), {
    type: "duration",
    default: "200ms",
    description:
      "Of a PostgreSQL or Redis: statements that take longer are counted, listed and told as slow.",
    example: "500ms",
  }),
  connections: field(integer(1, 100_000), {
    type: "number",
    default:
      "a database's own (`max_connections` of its command, else the server's usual); others: a variable such as `DATABASE_POOL_SIZE`, or `connection_limit` in an address",
    description:
      "Of a database: how many connections it accepts. Of a service: how many each replica may open. A stack whose releases would open more than there are, side by side, is refused with the sum.",
    example: "10",
  }),
  update: field(updateSchema, {
    type: "mapping",
    default: "none; Watchtower's label `com.centurylinklabs.watchtower.enable` counts as an empty one",
    description: "Newer images of the registry are rolled out by themselves, with everything a deploy has.",
    example: "{channel: patch, every: 5m}",
  }),
};

export const serviceSchema = z.strictObject(serviceFields, { error: "expected a mapping" });

export const overrideSchema = z.strictObject(
  {
    ...serviceFields,
    replicas: field(integer(0, 1000), {
      type: "number",
      default: "deploy.replicas or scale",
      description: "Running copies in this environment.",
    }),
    environment: field(
      z.record(
        z.string(),
        z.union([z.string(), z.number().transform(String), z.boolean().transform(String), z.null()]),
        { error: "expected a mapping of variables" },
      ),
      {
        type: "mapping",
        default: "none",
        description: "Variables on top of the service's; `null` removes one.",
      },
    ),
  },
  { error: "expected a mapping" },
);

export const environmentSchema = z.strictObject(
  {
    domain: field(host(), {
      type: "host name",
      default: "the stack's `domain`",
      description: "Default routes of this environment are `<service>.<domain>`.",
    }),
    replicas: field(integer(0, 1000), {
      type: "number",
      default: "each service's own",
      description: "Running copies of every stateless service in this environment.",
    }),
    services: field(z.record(z.string(), overrideSchema, { error: "expected a mapping of services" }), {
      type: "mapping",
      default: "none",
      description:
        "Service name -> any key of the service level, `replicas`, `environment`. A key given here replaces the service's own.",
    }),
  },
  { error: "expected a mapping" },
);

export const stackSchema = z.strictObject(
  {
    domain: field(host(), {
      type: "host name",
      default: "none: hosts end in `.localhost`",
      description:
        "Default routes are `<service>.<domain>` in production, `<service>.<environment>.<domain>` elsewhere.",
    }),
    environments: field(
      z.record(z.string(), environmentSchema, { error: "expected a mapping of environments" }),
      {
        type: "mapping",
        default: "none",
        description: "What differs in one environment.",
      },
    ),
    dependencies: field(dependenciesSchema, {
      type: "list of mappings",
      default: "none",
      description: "Outside services that the stack needs: probed, shown on the board, told when they fail.",
      example: "[{name: Payment API, http: 'https://…', every: 30s}]",
    }),
    backups: field(backupsSchema, {
      type: "mapping",
      default: "everything that is found, daily at 03:00 UTC, once there is a repository",
      description: "What is copied, when, where to, and how much of it stays.",
    }),
    alerts: field(alertsSchema, {
      type: "mapping",
      default: "the default rules",
      description:
        "What is changed about the alert rules for this stack. Channels belong to the installation.",
    }),
    registry: field(
      z
        .string()
        .regex(
          /^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*\/?$/,
          "expected a registry, e.g. ghcr.io/acme",
        ),
      {
        type: "registry",
        default: "none: built images stay on the host",
        description:
          "Runs push every built image there, as `<registry>/<stack>/<service>` unless its `image` names a repository of it.",
        example: "git.example.com/acme",
      },
    ),
    pipeline: field(pipelineSchema, {
      type: "mapping",
      default: "derived from the repository",
      description: "What a pushed commit has to pass before it is deployed.",
    }),
  },
  { error: "expected a mapping" },
);

export type RouteSetting = z.output<typeof routeSchema>;
export type ServiceSettings = z.output<typeof overrideSchema>;
export type StackSettings = z.output<typeof stackSchema>;
export type EnvironmentSettings = z.output<typeof environmentSchema>;
