import { z } from "zod";
import { count, endpoint, list, name } from "./endpoint.ts";
import { deploymentIdSchema, scopeSchema } from "./models.ts";

/** The shapes of src/delivery/run.ts. */
const phaseNames = ["fetch", "jobs", "build", "scan", "push", "stage", "approve", "deploy"] as const;
const runStates = [
  "queued",
  "running",
  "waiting",
  "succeeded",
  "failed",
  "rejected",
  "aborted",
  "superseded",
] as const;

const builtImage = z.object({
  digest: z.string(),
  reference: z.string(),
  pushed: z.object({ repository: z.string(), digest: z.string(), tags: list(z.string()) }).exactOptional(),
});

export const runSchema = z
  .object({
    id: z.string(),
    source: z.string(),
    scope: scopeSchema,
    ref: z.string(),
    commit: z.string(),
    subject: z.string(),
    author: z.string(),
    services: list(z.string()).exactOptional(),
    fetchRef: z.string().exactOptional(),
    target: z.string().exactOptional(),
    checksOnly: z.boolean().exactOptional(),
    noCache: z.boolean().exactOptional(),
    trigger: z.enum(["push", "webhook", "pullRequest", "manual", "schedule", "registry"]),
    requestedBy: z.string(),
    reason: z.string(),
    createdAt: z.number(),
    startedAt: z.number().exactOptional(),
    finishedAt: z.number().exactOptional(),
    state: z.enum(runStates),
    phases: list(
      z.object({
        name: z.enum(phaseNames),
        state: z.enum(["pending", "running", "waiting", "done", "skipped", "failed"]),
        startedAt: z.number().exactOptional(),
        finishedAt: z.number().exactOptional(),
        detail: z.string().exactOptional(),
      }),
    ),
    deployment: deploymentIdSchema.exactOptional(),
    images: z.record(z.string(), builtImage).exactOptional(),
    staging: deploymentIdSchema.exactOptional(),
    staged: z
      .object({ environment: z.string(), release: z.string(), images: z.record(z.string(), builtImage) })
      .exactOptional(),
    approval: z
      .object({ by: z.string(), reason: z.string(), at: z.number(), waitedMs: z.number() })
      .exactOptional(),
    override: z.object({ by: z.string(), reason: z.string(), at: z.number() }).exactOptional(),
    failure: z
      .object({
        phase: z.enum(phaseNames),
        code: z.string(),
        message: z.string(),
        hint: z.string().exactOptional(),
        lastLines: list(z.string()).exactOptional(),
      })
      .exactOptional(),
  })
  .meta({ id: "Run" });
export type RunView = z.output<typeof runSchema>;

export const runLineSchema = z.object({
  seq: z.number().int(),
  at: z.number(),
  phase: z.enum(phaseNames),
  job: z.string().exactOptional(),
  line: z.string(),
});

export const runEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("line"), line: runLineSchema }),
  z.object({ type: z.literal("run"), run: runSchema }),
  z.object({ type: z.literal("end"), run: runSchema }),
]);
export type RunEvent = z.output<typeof runEventSchema>;

export const sourceSettingsSchema = z
  .object({
    name: z.string(),
    branches: z.record(z.string().min(1).max(200), name),
    composeFiles: list(z.string().min(1).max(500)),
    url: z.string().max(1000).exactOptional(),
    credential: z
      .object({ kind: z.enum(["sshKey", "token"]), secretName: z.string().min(1).max(200) })
      .exactOptional(),
    status: z
      .object({
        forge: z.enum(["github", "gitea", "forgejo"]),
        apiUrl: z
          .url({ protocol: /^https?$/ })
          .max(1000)
          .exactOptional(),
        repository: z.string().regex(/^[\w.-]{1,100}(\/[\w.-]{1,100}){1,5}$/, "must be OWNER/NAME"),
        secretName: z.string().min(1).max(200),
      })
      .exactOptional(),
    previews: z
      .object({
        ttlHours: z
          .number()
          .positive()
          .max(24 * 365),
        quota: z.number().int().min(1).max(100),
        forks: z.enum(["refused", "withoutSecrets"]),
      })
      .exactOptional(),
  })
  .meta({ id: "Source" });

export const sourceName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,62}$/,
    "1 to 63 lower-case letters, digits, `_`, `-`, not starting with a sign",
  );
const bySource = z.object({ source: sourceName });
const byRun = z.object({ id: z.string().min(1).max(100) });
const reasonBody = z.object({ reason: z.string().max(1000).default("") }).default({ reason: "" });

export const deliveryEndpoints = {
  sources: endpoint({
    method: "GET",
    path: "/sources",
    needs: "read",
    on: "anywhere",
    summary: "Repositories that feed stacks, and which branch goes to which environment.",
    response: z.object({ sources: list(sourceSettingsSchema) }),
  }),
  saveSource: endpoint({
    method: "POST",
    path: "/sources/:source",
    needs: "operate",
    on: "source",
    summary:
      "Sets where a source is fetched from, its branches and its Compose files; what is left out stays.",
    params: bySource,
    body: z.object({
      branches: sourceSettingsSchema.shape.branches.exactOptional(),
      composeFiles: sourceSettingsSchema.shape.composeFiles.exactOptional(),
      url: sourceSettingsSchema.shape.url,
      credential: sourceSettingsSchema.shape.credential,
      status: sourceSettingsSchema.shape.status,
      /** `null` turns them off. */
      previews: sourceSettingsSchema.shape.previews.unwrap().nullable().exactOptional(),
    }),
    response: sourceSettingsSchema,
  }),
  start: endpoint({
    method: "POST",
    path: "/sources/:source/runs",
    needs: "develop",
    on: "anywhere",
    summary: "Takes a branch, tag or commit through the pipeline; fetched first when the source has a URL.",
    params: bySource,
    body: z.object({
      ref: z.string().min(1).max(300),
      environment: name.exactOptional(),
      /** Builds the images anew. */
      noCache: z.boolean().exactOptional(),
      reason: z.string().max(1000).default(""),
    }),
    status: 202,
    response: runSchema,
  }),
  runs: endpoint({
    method: "GET",
    path: "/runs",
    needs: "read",
    on: "anywhere",
    summary: "Runs, newest first.",
    query: z.object({ source: sourceName.exactOptional(), limit: count({ min: 1, max: 500 }).default(20) }),
    response: z.object({ runs: list(runSchema) }),
  }),
  run: endpoint({
    method: "GET",
    path: "/runs/:id",
    needs: "read",
    on: "run",
    summary: "One run with its phases and, if it failed, why.",
    params: byRun,
    response: runSchema,
  }),
  events: endpoint({
    method: "GET",
    path: "/runs/:id/events",
    needs: "read",
    on: "run",
    summary: "Its output from the beginning, or after Last-Event-ID, then live; ends with an `end` event.",
    params: byRun,
    stream: "sse",
    response: runEventSchema,
  }),
  approve: endpoint({
    method: "POST",
    path: "/runs/:id/approve",
    needs: "approve",
    on: "run",
    summary: "Lets a run that waits for approval go on.",
    params: byRun,
    body: reasonBody,
    response: runSchema,
  }),
  reject: endpoint({
    method: "POST",
    path: "/runs/:id/reject",
    needs: "approve",
    on: "run",
    summary: "Ends a run that waits for approval.",
    params: byRun,
    body: reasonBody,
    response: runSchema,
  }),
  abort: endpoint({
    method: "POST",
    path: "/runs/:id/abort",
    needs: "develop",
    on: "run",
    summary: "Ends a run: its job is stopped, its deployment goes back.",
    params: byRun,
    body: reasonBody,
    response: runSchema,
  }),
};
