import { z } from "zod";
import { count, endpoint, list, name } from "./endpoint.ts";

const severity = z.enum(["info", "warning", "critical"]);
const subject = z.object({
  scope: z.string().exactOptional(),
  service: z.string().exactOptional(),
  name: z.string().exactOptional(),
});

/** The shape of src/alerting/alert-book.ts, as people see it. */
const alertView = z
  .object({
    id: z.string(),
    rule: z.string(),
    severity,
    subject,
    /** `api`, `/data`, `payments`. */
    about: z.string(),
    /** With value and threshold: `High Memory Usage (85% > 80%)`. */
    message: z.string(),
    detail: z.string().exactOptional(),
    hint: z.string(),
    since: z.number(),
    acknowledged: z.object({ by: z.string(), at: z.number(), reason: z.string() }).exactOptional(),
    /** Why nobody is told. */
    quiet: z.string().exactOptional(),
    flapping: z.boolean(),
    told: z.boolean(),
  })
  .meta({ id: "Alert" });
export type AlertView = z.output<typeof alertView>;

const pastAlert = z
  .object({
    id: z.string(),
    rule: z.string(),
    severity,
    subject,
    about: z.string(),
    message: z.string(),
    firedAt: z.number(),
    resolvedAt: z.number(),
    acknowledgedBy: z.string().exactOptional(),
  })
  .meta({ id: "PastAlert" });
export type PastAlertView = z.output<typeof pastAlert>;

const what = {
  stack: name.exactOptional(),
  environment: name.exactOptional(),
  service: name.exactOptional(),
  rule: name.exactOptional(),
};
const silence = z
  .object({ id: z.string(), ...what, until: z.number(), reason: z.string(), by: z.string(), at: z.number() })
  .meta({ id: "Silence" });
export type SilenceView = z.output<typeof silence>;

const ruleView = z
  .object({
    name: z.string(),
    title: z.string(),
    /** Absent: a rule for every stack. */
    scope: z.string().exactOptional(),
    hint: z.string(),
    levels: list(z.object({ severity, threshold: z.string(), forSeconds: z.number() })),
    values: list(
      z.object({
        subject,
        about: z.string(),
        value: z.number(),
        text: z.string(),
        severity: severity.exactOptional(),
      }),
    ),
  })
  .meta({ id: "AlertRule" });
export type AlertRuleView = z.output<typeof ruleView>;

const reason = z.string().max(1000).default("");
const alertId = z.object({ id: name });

export const alertEndpoints = {
  active: endpoint({
    method: "GET",
    path: "/alerts",
    needs: "read",
    on: "anywhere",
    summary:
      "What is wrong now, the gravest first, with the silences; `channels` is 0 while nobody would be told.",
    response: z.object({ alerts: list(alertView), silences: list(silence), channels: z.number().int() }),
  }),
  history: endpoint({
    method: "GET",
    path: "/alerts/history",
    needs: "read",
    on: "anywhere",
    summary: "Alerts that are over, newest first.",
    query: z.object({
      from: count({ min: 0, max: 9e15 }).default(0),
      to: count({ min: 0, max: 9e15 }).default(9e15),
      limit: count({ min: 1, max: 1000 }).default(100),
    }),
    response: z.object({ alerts: list(pastAlert) }),
  }),
  rules: endpoint({
    method: "GET",
    path: "/alerts/rules",
    needs: "read",
    on: "anywhere",
    summary: "Every rule with its thresholds and the values that it sees now.",
    response: z.object({ rules: list(ruleView) }),
  }),
  acknowledge: endpoint({
    method: "POST",
    path: "/alerts/:id/acknowledge",
    needs: "operate",
    on: "anywhere",
    summary: "Somebody has it: no more reminders and calls until it gets worse.",
    params: alertId,
    body: z.object({ reason }).default({ reason: "" }),
    response: alertView,
  }),
  silence: endpoint({
    method: "POST",
    path: "/alerts/silences",
    needs: "operate",
    on: "anywhere",
    summary: "Nobody is told of what fits, until then. It is shown all the same.",
    body: z.object({ ...what, until: z.number().int(), reason: z.string().min(1).max(1000) }),
    status: 201,
    response: silence,
  }),
  unsilence: endpoint({
    method: "DELETE",
    path: "/alerts/silences/:id",
    needs: "operate",
    on: "anywhere",
    summary: "Ends a silence; what still holds is told now.",
    params: alertId,
    response: silence,
  }),
};
