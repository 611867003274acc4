import { z } from "zod";
import { parseBytes } from "../lib/bytes.ts";
import { parseDuration } from "../lib/duration.ts";
import { windowSchema } from "./x-roadstead-gates.ts";
import { duration, field, flag } from "./x-roadstead-values.ts";

/** `x-roadstead.alerts`, with the texts that docs/x-roadstead.md is generated from. Values come out in the rule's unit. */

/** How the thresholds of a rule are written. */
type Unit = "share" | "ms" | "days" | "hours" | "minutes" | "count" | "any";

const examples: Readonly<Record<Unit, string>> = {
  share: "80%",
  ms: "500ms",
  days: "14d",
  hours: "24h",
  minutes: "30m",
  count: "2",
  any: "100, 80%, 512m or 250ms",
};
const perSecond: Readonly<Partial<Record<Unit, number>>> = {
  ms: 1000,
  minutes: 1 / 60,
  hours: 1 / 3600,
  days: 1 / 86_400,
};

function threshold(unit: Unit) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const read = typeof value === "number" ? numberIn(value, unit) : textIn(value.trim(), unit);
    if (read !== undefined && Number.isFinite(read) && read >= 0) return read;
    context.addIssue(
      `${JSON.stringify(value)} is no threshold of this rule; expected one like ${examples[unit]}`,
    );
    return z.NEVER;
  });
}

/** A bare number of a share is one: 0.8, never 80. */
function numberIn(value: number, unit: Unit): number | undefined {
  return unit === "share" && value > 1 ? undefined : value;
}

function textIn(text: string, unit: Unit): number | undefined {
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (share) return unit === "share" || unit === "any" ? Number(share[1]) / 100 : undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return numberIn(Number(text), unit);
  const seconds = parseDuration(text);
  // A bare `512m` is a size for a metric of bytes, and no duration that an own rule would mean.
  if (unit === "any")
    return /^\d+(\.\d+)?m?s$/.test(text) && seconds !== undefined ? seconds * 1000 : parseBytes(text);
  const factor = perSecond[unit];
  return seconds === undefined || factor === undefined ? undefined : seconds * factor;
}

type Severity = "info" | "warning" | "critical";
const meanings: Readonly<Record<Severity, string>> = {
  info: "Worth knowing",
  warning: "A warning",
  critical: "Critical",
};

function levels(unit: Unit, defaults: Readonly<Partial<Record<Severity, string>>>) {
  const level = (standard: string, what: string) =>
    field(threshold(unit), {
      type: unit === "any" ? "number, share, size or milliseconds" : unit,
      default: standard,
      description: `${what} from here on.`,
      example: examples[unit],
    });
  const known = Object.fromEntries(
    Object.entries(meanings).flatMap(([severity, what]) => {
      const severityDefault = defaults[severity as Severity];
      return severityDefault === undefined ? [] : [[severity, level(severityDefault, what)]];
    }),
  );
  return {
    // All are optional when they come out, so a missing one and an unset one have the same type.
    ...(known as Record<Severity, ReturnType<typeof level>>),
    clear: field(threshold(unit), {
      type: "as the thresholds",
      default: "a little on the good side",
      description: "It is over only beyond this value: the gap keeps a value on the edge from flapping.",
    }),
    for: field(duration(), {
      type: "duration",
      default: "differs per rule and severity",
      description: "It has to be so for this long.",
    }),
    services: field(z.array(z.string().min(1), { error: "expected a list of services" }), {
      type: "list of services",
      default: "all",
      description: "Only these.",
    }),
  };
}

/** `false` is short for `{enabled: false}`. */
function rule(unit: Unit, defaults: Readonly<Partial<Record<Severity, string>>>) {
  return z.preprocess(
    (value) => (value === false || value === "false" ? { enabled: false } : value),
    z.strictObject(
      {
        enabled: field(flag(), {
          type: "true or false",
          default: "true",
          description: "`false` switches the rule off; so does `false` in place of the mapping.",
        }),
        ...levels(unit, defaults),
      },
      { error: "expected false or a mapping" },
    ),
  );
}

const own = z.strictObject(
  {
    metric: z
      .string()
      .regex(/^[a-z]+\.[a-z_]+$/, { error: "expected a metric such as replica.memory" })
      .meta({
        type: "metric",
        default: "required",
        description: "What is looked at; the operator guide lists the metrics.",
        example: "database.connections",
      }),
    of: field(z.string().min(1), {
      type: "metric",
      default: "none",
      description: "The value is taken as a share of this one.",
      example: "database.connections_max",
    }),
    take: field(
      z.enum(["avg", "min", "max", "p95", "increase"], { error: "expected avg, min, max, p95 or increase" }),
      {
        type: "avg, min, max, p95, increase",
        default: "avg",
        description:
          "Of the last minute: mean, least, greatest; `p95` of durations; `increase` of a counter.",
      },
    ),
    below: field(flag(), {
      type: "true or false",
      default: "false",
      description: "It is bad below the thresholds instead of above.",
    }),
    window: field(duration(), {
      type: "duration",
      default: "5m",
      description: "`take: increase`: how far back is counted.",
    }),
    title: field(z.string().min(1).max(100), {
      type: "text",
      default: "the rule's name",
      description: "How the alert is called.",
    }),
    hint: field(z.string().max(300), { type: "text", default: "none", description: "What to do about it." }),
    ...levels("any", { info: "none", warning: "none", critical: "none" }),
  },
  { error: "expected a mapping with metric and warning or critical" },
);

/** Name of a default rule -> what a stack may change about it. The names are those of src/policy/alert-defaults.ts. */
export const alertRuleFields = {
  "service-down": rule("share", { warning: "any", critical: "100%" }),
  "restart-loop": rule("count", { critical: "2" }),
  "out-of-memory": rule("count", { warning: "1", critical: "3" }),
  "error-rate": rule("share", { warning: "1%", critical: "5%" }),
  latency: rule("ms", { warning: "500ms", critical: "1s" }),
  memory: rule("share", { warning: "80%", critical: "95%" }),
  "route-down": rule("share", { critical: "50%" }),
  "dependency-down": rule("share", { warning: "50%" }),
  "database-connections": rule("share", { warning: "80%", critical: "95%" }),
  "slow-queries": rule("count", { info: "1" }),
  "deployment-failed": rule("count", { warning: "1" }),
  "deployment-stuck": rule("minutes", { warning: "30m" }),
  "backup-overdue": rule("hours", { warning: "24h", critical: "48h" }),
  "backup-suspect": rule("count", { critical: "1" }),
} as const;

const ruleTexts: Readonly<Record<keyof typeof alertRuleFields, string>> = {
  "service-down": "Share of wanted replicas that are missing.",
  "restart-loop": "Restarts within 10 minutes.",
  "out-of-memory": "Ends for lack of memory within 10 minutes.",
  "error-rate": "Share of 5xx answers and failed requests.",
  latency: "95th percentile at the edge.",
  memory: "Memory as a share of the limit.",
  "route-down": "Share of probes of a public address that succeed, below this.",
  "dependency-down": "Share of probes of an outside service that succeed, below this.",
  "database-connections": "Connections as a share of those allowed.",
  "slow-queries": "Slow statements within 5 minutes.",
  "deployment-failed": "The last deployment failed.",
  "deployment-stuck": "A deployment of which nothing is heard for this long.",
  "backup-overdue": "Age of the last good backup.",
  "backup-suspect": "A backup that may not be restorable.",
};

const ruleFields: Readonly<Record<string, z.ZodOptional<ReturnType<typeof rule>>>> = Object.fromEntries(
  Object.entries(alertRuleFields).map(([name, schema]) => [
    name,
    field(schema, {
      type: "false or mapping",
      default: "on",
      description: ruleTexts[name as keyof typeof alertRuleFields],
    }),
  ]),
);
const rules = z.strictObject(ruleFields, { error: "expected a mapping of rules" });

export const alertsSchema = z.strictObject(
  {
    rules: field(rules, {
      type: "mapping",
      default: "all on",
      description: "Rule -> `false`, or other thresholds for this stack.",
      example: "{memory: {warning: 90%}, slow-queries: false}",
    }),
    own: field(
      z.record(z.string().regex(/^[a-z][a-z0-9-]{0,40}$/), own, { error: "expected a mapping of rules" }),
      {
        type: "mapping",
        default: "none",
        description: "Name -> a rule of the stack's own over a metric.",
        example: "{sockets: {metric: replica.cpu, warning: 1.5, for: 5m}}",
      },
    ),
    maintenance: field(z.array(windowSchema, { error: "expected a list of windows" }), {
      type: "list of mappings",
      default: "none",
      description:
        "Nobody is told while one of these windows is open; what still holds afterwards is told then.",
      example: "[{days: [sun], from: '02:00', to: '04:00'}]",
    }),
  },
  { error: "expected a mapping" },
);

export const ownAlertSchema = own;
export type AlertsSettings = z.output<typeof alertsSchema>;
