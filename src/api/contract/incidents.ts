import { z } from "zod";
import { count, endpoint, list, name, scopeParams } from "./endpoint.ts";
import { scopeSchema } from "./models.ts";

const kind = z.enum(["service", "database", "server", "security"]);
const item = z.enum(["timeline", "stakeholders", "postMortem", "rootCause", "preventive", "runbooks"]);
const text = z.string().min(1).max(2000);
const signed = z.object({ by: z.string(), at: z.number() });

const incidentView = z
  .object({
    id: z.string(),
    kind,
    title: z.string(),
    scope: scopeSchema.exactOptional(),
    service: z.string().exactOptional(),
    status: z.enum(["INVESTIGATING", "RESOLVED"]),
    drill: z.string().exactOptional(),
    impact: z.string(),
    affected: z.string().exactOptional(),
    reporter: z.string().exactOptional(),
    openedBy: z.string(),
    startedAt: z.number(),
    detectedAt: z.number(),
    resolvedAt: z.number().exactOptional(),
    /** Seconds; `met` says whether both were within their target. */
    times: z.object({
      rtoTarget: z.number(),
      rto: z.number().exactOptional(),
      rpoTarget: z.number().exactOptional(),
      rpo: z.number().exactOptional(),
      met: z.boolean().exactOptional(),
    }),
    /** Where the recovery stands; `end` once it is through. */
    recovery: z
      .object({ step: z.string(), text: z.string(), end: z.string().exactOptional() })
      .exactOptional(),
    timeline: list(z.object({ at: z.number(), kind: z.string(), text: z.string(), by: z.string() })),
    alerts: list(z.string()),
    causes: list(z.object({ text: z.string(), likelihood: z.enum(["likely", "possible"]) })),
    rootCause: z.string().exactOptional(),
    actionItems: list(
      z.object({ text: z.string(), doneBy: z.string().exactOptional(), doneAt: z.number().exactOptional() }),
    ),
    checklist: list(z.object({ item, text: z.string(), done: signed.exactOptional() })),
    /** What stands against closing it. */
    open: list(z.string()),
    acknowledged: signed.exactOptional(),
    closed: signed.exactOptional(),
    evidence: z.object({ folder: z.string(), files: z.number(), sha256: z.string() }).exactOptional(),
  })
  .meta({ id: "Incident" });
export type IncidentView = z.output<typeof incidentView>;

const plannedStep = z.object({
  id: z.string(),
  kind: z.enum(["question", "action", "end"]),
  text: z.string(),
  command: z.string().exactOptional(),
  limitSeconds: z.number().exactOptional(),
  yes: z.string().exactOptional(),
  no: z.string().exactOptional(),
  next: z.string().exactOptional(),
  failed: z.string().exactOptional(),
});
const branchView = z
  .object({
    kind,
    title: z.string(),
    rtoTarget: z.number(),
    rpoTarget: z.number().exactOptional(),
    automatic: z.boolean(),
    steps: list(plannedStep),
  })
  .meta({ id: "RecoveryBranch" });
export type RecoveryBranchView = z.output<typeof branchView>;

const drillView = z
  .object({
    id: z.string(),
    branch: kind,
    scope: scopeSchema,
    live: z.boolean(),
    state: z.enum(["running", "passed", "failed", "skipped"]),
    startedAt: z.number(),
    endedAt: z.number().exactOptional(),
    by: z.string(),
    rtoTarget: z.number(),
    rto: z.number().exactOptional(),
    rpoTarget: z.number().exactOptional(),
    rpo: z.number().exactOptional(),
    incident: z.string().exactOptional(),
    detail: z.string().exactOptional(),
  })
  .meta({ id: "Drill" });
export type DrillView = z.output<typeof drillView>;

const drillSchedule = z
  .object({ scope: scopeSchema, cron: z.string(), timeZone: z.string(), nextAt: z.number().exactOptional() })
  .meta({ id: "DrillSchedule" });
export type DrillScheduleView = z.output<typeof drillSchedule>;

const byId = {
  needs: "operate",
  on: "anywhere",
  params: z.object({ id: name }),
  response: incidentView,
} as const;

export const incidentEndpoints = {
  list: endpoint({
    method: "GET",
    path: "/incidents",
    needs: "read",
    on: "anywhere",
    summary: "Incidents, newest first.",
    query: z.object({ limit: count({ min: 1, max: 1000 }).default(50) }),
    response: z.object({ incidents: list(incidentView) }),
  }),
  get: endpoint({
    ...byId,
    method: "GET",
    path: "/incidents/:id",
    needs: "read",
    summary: "One incident with its whole timeline.",
  }),
  text: endpoint({
    method: "GET",
    path: "/incidents/:id/text",
    needs: "read",
    on: "anywhere",
    summary: "The message for stakeholders, and the post-mortem as Markdown.",
    params: z.object({ id: name }),
    response: z.object({ message: z.string(), postMortem: z.string() }),
  }),
  tree: endpoint({
    method: "GET",
    path: "/recovery/tree",
    needs: "read",
    on: "anywhere",
    summary: "The recovery tree: what is done when what failed, with every NO path.",
    response: z.object({ branches: list(branchView) }),
  }),
  open: endpoint({
    method: "POST",
    path: "/incidents",
    needs: "operate",
    on: "anywhere",
    summary: "Opens one by hand; about what is open already it joins that one.",
    status: 201,
    body: z.object({
      kind,
      stack: name.exactOptional(),
      environment: name.exactOptional(),
      service: name.exactOptional(),
      impact: text.exactOptional(),
      affected: text.exactOptional(),
      reporter: text.exactOptional(),
      startedAt: z.number().int().min(0).exactOptional(),
      /** Walks its branch at once. */
      recover: z.boolean().default(false),
      /** Secrets that are renewed when the stack is rebuilt after a breach. */
      rotate: list(z.string().min(1).max(200)).exactOptional(),
    }),
    response: incidentView,
  }),
  recover: endpoint({
    ...byId,
    method: "POST",
    path: "/incidents/:id/recover",
    summary:
      "Walks its branch, or goes on with it. `rebuild` confirms that a stack may run again after a breach.",
    body: z.object({ rebuild: z.boolean().default(false) }).default({ rebuild: false }),
  }),
  note: endpoint({
    ...byId,
    method: "POST",
    path: "/incidents/:id/note",
    summary: "Adds a line, ticks items of the checklist, names the root cause, adds or ticks action items.",
    body: z.object({
      text: text.exactOptional(),
      done: list(item).exactOptional(),
      rootCause: text.exactOptional(),
      actionItem: text.exactOptional(),
      actionDone: z.number().int().min(1).exactOptional(),
      affected: text.exactOptional(),
      impact: text.exactOptional(),
    }),
  }),
  acknowledge: endpoint({
    ...byId,
    method: "POST",
    path: "/incidents/:id/acknowledge",
    summary: "Somebody has it: nobody is called any more.",
  }),
  resolve: endpoint({
    ...byId,
    method: "POST",
    path: "/incidents/:id/resolve",
    summary: "People say that it is over.",
    body: z.object({ reason: z.string().max(1000).default("") }).default({ reason: "" }),
  }),
  close: endpoint({
    ...byId,
    method: "POST",
    path: "/incidents/:id/close",
    summary: "Closes it as complete; refused with what is still open.",
  }),
};

export const drillEndpoints = {
  list: endpoint({
    method: "GET",
    path: "/drills",
    needs: "read",
    on: "anywhere",
    summary: "Drills with target and result, newest first, and the schedules.",
    query: z.object({ limit: count({ min: 1, max: 500 }).default(50) }),
    response: z.object({ drills: list(drillView), schedules: list(drillSchedule) }),
  }),
  start: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/drills",
    needs: "operate",
    summary: "Rehearses branches against a copy, or against what is live; answers at once.",
    params: scopeParams,
    body: z.object({
      branches: z
        .array(z.enum(["service", "database", "security"]))
        .min(1)
        .max(3),
      live: z.boolean().default(false),
      service: name.exactOptional(),
    }),
    status: 202,
    response: z.object({ drills: list(drillView) }),
  }),
  schedule: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/drills/schedule",
    needs: "operate",
    summary: "All drills of a stack by cron, against copies; an empty cron ends it.",
    params: scopeParams,
    body: z.object({ cron: z.string().max(100), timeZone: z.string().max(60).default("UTC") }),
    response: z.object({ schedules: list(drillSchedule) }),
  }),
};
