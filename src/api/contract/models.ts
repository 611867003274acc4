import { z } from "zod";
import type { DeploymentId, ReleaseId, ReplicaId } from "../../rollout/ids.ts";
import type { Step } from "../../rollout/step.ts";
import type { Problem } from "../../stack/problem.ts";
import { list } from "./endpoint.ts";

/** The shapes of the answers. Times are epoch milliseconds. */

/** Gives a plain schema the domain's branded or union type: the value is made by the domain, only shown here. */
function as<T>(schema: z.ZodType): z.ZodType<T, T> {
  return schema as unknown as z.ZodType<T, T>;
}

export const releaseIdSchema = as<ReleaseId>(z.string());
export const deploymentIdSchema = as<DeploymentId>(z.string());
export const scopeSchema = z.object({ stack: z.string(), environment: z.string() }).meta({ id: "Scope" });
const at = z.number();

export const problemSchema: z.ZodType<Problem, Problem> = z
  .object({
    severity: z.enum(["error", "warning"]),
    code: z.string(),
    message: z.string(),
    path: z.string(),
    file: z.string().exactOptional(),
    line: z.number().int().exactOptional(),
    column: z.number().int().exactOptional(),
    fix: z.string().exactOptional(),
  })
  .meta({ id: "Problem" });

/** Every answer with a status of 400 or more. */
export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().exactOptional(),
    requestId: z.string(),
    problems: list(problemSchema).exactOptional(),
  }),
});
export type ApiErrorBody = z.output<typeof errorSchema>;

/** A step of the plan: see src/rollout/step.ts. */
export const stepSchema = as<Step>(
  z.looseObject({ kind: z.string(), service: z.string().exactOptional() }).meta({ id: "Step" }),
);

export const planSchema = z
  .object({
    steps: list(z.object({ wave: z.number().int(), step: stepSchema })),
    notes: list(
      z.object({
        severity: z.enum(["info", "warning"]),
        service: z.string().exactOptional(),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: "Plan" });

export const deploymentStateSchema = z
  .enum(["queued", "running", "returning", "succeeded", "failed", "aborted", "superseded"])
  .meta({ id: "DeploymentState" });
export const deploymentKindSchema = z.enum([
  "deploy",
  "rollback",
  "restart",
  "scale",
  "stop",
  "start",
  "down",
]);

/** Why a deployment or step failed. */
export const failureSchema = z
  .object({
    code: z.string(),
    message: z.string(),
    hint: z.string().exactOptional(),
    step: stepSchema.exactOptional(),
    service: z.string().exactOptional(),
    probe: z.object({ reason: z.string(), body: z.string().exactOptional() }).exactOptional(),
    exitCode: z.number().int().exactOptional(),
    lastLines: list(z.string()).exactOptional(),
    outcome: z.string().exactOptional(),
  })
  .meta({ id: "Failure" });

export const deploymentSchema = z
  .object({
    id: deploymentIdSchema,
    scope: scopeSchema,
    kind: deploymentKindSchema,
    state: deploymentStateSchema,
    release: releaseIdSchema.exactOptional(),
    previous: releaseIdSchema.exactOptional(),
    requestedBy: z.string(),
    reason: z.string(),
    /** Label and services that a deploy was asked for; never the bundle. */
    label: z.string().exactOptional(),
    services: list(z.string()).exactOptional(),
    createdAt: at,
    startedAt: at.exactOptional(),
    cutOverAt: at.exactOptional(),
    finishedAt: at.exactOptional(),
    control: z.enum(["abort", "promote"]).exactOptional(),
    failure: failureSchema.exactOptional(),
  })
  .meta({ id: "Deployment" });
export type DeploymentView = z.output<typeof deploymentSchema>;

const stepResultSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("image"),
    digest: z.string(),
    reference: z.string(),
    description: z.string(),
    exposedPorts: list(z.number()),
  }),
  z.object({ kind: z.literal("job"), exitCode: z.number().int() }),
  z.object({
    kind: z.literal("verdict"),
    verdict: z.enum(["pass", "fail", "inconclusive"]),
    detail: z.string(),
  }),
  z.object({ kind: z.literal("smoke"), passed: z.number().int() }),
]);

const entryBase = { seq: z.number().int(), deployment: deploymentIdSchema, at };
const stepBase = { ...entryBase, key: z.string(), step: stepSchema };

/** One line of a deployment's history. */
export const journalEntrySchema = z
  .discriminatedUnion("event", [
    z.object({
      ...stepBase,
      event: z.literal("stepStarted"),
      wave: z.number(),
      total: z.number(),
      done: z.number(),
    }),
    z.object({
      ...stepBase,
      event: z.literal("stepDone"),
      durationMs: z.number(),
      result: stepResultSchema.exactOptional(),
    }),
    z.object({ ...stepBase, event: z.literal("stepFailed"), durationMs: z.number(), failure: failureSchema }),
    z.object({
      ...entryBase,
      event: z.literal("stateChanged"),
      state: deploymentStateSchema,
      message: z.string(),
    }),
    z.object({ ...entryBase, event: z.literal("output"), key: z.string(), line: z.string() }),
  ])
  .meta({ id: "JournalEntry" });
export type JournalEntryView = z.output<typeof journalEntrySchema>;

/** An item of a deployment's event stream; `end` is the last one. */
export const deploymentEventSchema = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("entry"), entry: journalEntrySchema }),
    z.object({ type: z.literal("end"), deployment: deploymentSchema }),
  ])
  .meta({ id: "DeploymentEvent" });
export type DeploymentEvent = z.output<typeof deploymentEventSchema>;

export const releaseSchema = z
  .object({
    id: releaseIdSchema,
    scope: scopeSchema,
    number: z.number().int(),
    createdAt: at,
    label: z.string(),
    configHash: z.string(),
    images: z.record(
      z.string(),
      z.object({
        digest: z.string(),
        reference: z.string(),
        description: z.string(),
        exposedPorts: list(z.number()),
      }),
    ),
    fileVersions: z.record(z.string(), z.string()),
    /** Serves now. */
    current: z.boolean(),
    /** Its replicas are kept until then: going back takes no start. */
    warmUntil: at.exactOptional(),
  })
  .meta({ id: "Release" });
export type ReleaseView = z.output<typeof releaseSchema>;

const replicaStatusSchema = z.object({
  id: z.string(),
  revision: z.string(),
  release: z.number().int().exactOptional(),
  role: z.enum(["current", "warm", "incoming"]),
  state: z.enum(["created", "running", "exited"]),
  ready: z.boolean(),
  reason: z.string().exactOptional(),
  trafficPercent: z.number(),
  address: z.string().exactOptional(),
  startedAt: at.exactOptional(),
  restarts: z.number().int(),
  exitCode: z.number().int().exactOptional(),
});

export const serviceStatusSchema = z
  .object({
    name: z.string(),
    kind: z.enum(["web", "worker", "static", "database", "job"]),
    strategy: z.enum(["recreate", "rolling", "blue-green", "canary", "singleton"]),
    state: z.enum([
      "healthy",
      "degraded",
      "down",
      "stopped",
      "starting",
      "completed",
      "crash-looping",
      "unknown",
    ]),
    message: z.string().exactOptional(),
    wanted: z.number().int(),
    urls: list(z.string()),
    address: z.string().exactOptional(),
    replicas: list(replicaStatusSchema),
  })
  .meta({ id: "ServiceStatus" });

export const scopeStatusSchema = z
  .object({
    scope: scopeSchema,
    current: z
      .object({ id: releaseIdSchema, number: z.number().int(), label: z.string(), createdAt: at })
      .exactOptional(),
    warm: list(z.object({ id: releaseIdSchema, number: z.number().int(), until: at })),
    deployment: z
      .object({
        id: deploymentIdSchema,
        state: deploymentStateSchema,
        kind: deploymentKindSchema,
        release: releaseIdSchema.exactOptional(),
      })
      .exactOptional(),
    /** Why the runtime could not say what runs: the services are as the store knows them, in state `unknown`. */
    unobserved: z
      .object({ code: z.string(), message: z.string(), hint: z.string().exactOptional() })
      .exactOptional(),
    services: list(serviceStatusSchema),
  })
  .meta({ id: "ScopeStatus" });
export type ScopeStatusView = z.output<typeof scopeStatusSchema>;
export type ServiceStatusView = z.output<typeof serviceStatusSchema>;

const replicaIdSchema = as<ReplicaId>(z.string());

export const logLineSchema = z
  .object({
    replica: replicaIdSchema,
    service: z.string(),
    stream: z.enum(["stdout", "stderr"]),
    at: at.exactOptional(),
    text: z.string(),
  })
  .meta({ id: "LogLine" });
export type LogLineView = z.output<typeof logLineSchema>;

/** `cpu` 1.0 is one core. */
export const statsSchema = z
  .object({
    replica: replicaIdSchema,
    service: z.string(),
    cpu: z.number(),
    memoryBytes: z.number(),
    memoryLimitBytes: z.number().exactOptional(),
    networkInBytes: z.number().exactOptional(),
    networkOutBytes: z.number().exactOptional(),
    diskReadBytes: z.number().exactOptional(),
    diskWriteBytes: z.number().exactOptional(),
    pids: z.number().int().exactOptional(),
  })
  .meta({ id: "ReplicaStats" });
export type StatsView = z.output<typeof statsSchema>;
