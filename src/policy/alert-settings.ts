import { defaultRules } from "./alert-defaults.ts";
import type {
  AlertLevel,
  AlertRule,
  AlertSeverity,
  AlertSide,
  AlertUnit,
  IncidentClass,
  Measure,
} from "./alert-rule.ts";

/** What a stack says about one rule, in the units of the rule (share, ms, days, …); see docs/x-roadstead.md. */
export type RuleSettings = {
  enabled?: boolean | undefined;
  info?: number | undefined;
  warning?: number | undefined;
  critical?: number | undefined;
  clear?: number | undefined;
  forSeconds?: number | undefined;
  services?: readonly string[] | undefined;
};

/** A rule of the stack's own over a metric. */
export type OwnRule = RuleSettings & {
  metric: string;
  of?: string | undefined;
  take?: "avg" | "min" | "max" | "p95" | "increase" | undefined;
  below?: boolean | undefined;
  windowSeconds?: number | undefined;
  title?: string | undefined;
  hint?: string | undefined;
};

export type AlertSettings = {
  rules: Readonly<Record<string, RuleSettings>>;
  own: Readonly<Record<string, OwnRule>>;
};

const ownMinimum = 20;

/** A default rule as a stack wants it; undefined: it is switched off there. */
export function ruleWith(rule: AlertRule, settings: RuleSettings | undefined): AlertRule | undefined {
  if (!settings) return rule;
  if (settings.enabled === false) return undefined;
  const levels = levelsWith(rule, settings);
  if (levels.length === 0) return undefined;
  return { ...rule, levels, ...(settings.services ? { services: settings.services } : {}) };
}

/** A threshold that is written replaces that level alone, and moves its clear value by the same factor. */
function levelsWith(rule: AlertRule, settings: RuleSettings): AlertLevel[] {
  const { clear, forSeconds } = settings;
  return rule.levels.map((level) => {
    const at = settings[level.severity];
    const moved = at === undefined || level.at === 0 ? level.clear : level.clear * (at / level.at);
    return {
      ...level,
      at: at ?? level.at,
      clear: clear ?? moved,
      forSeconds: forSeconds ?? level.forSeconds,
    };
  });
}

/** The rules of the stack's own, as rules like any other. */
export function ownRules(own: Readonly<Record<string, OwnRule>>): AlertRule[] {
  return Object.entries(own).flatMap(([name, settings]) => {
    const levels = ownLevels(settings);
    if (levels.length === 0 || settings.enabled === false) return [];
    const side: AlertSide = settings.below === true ? "below" : "above";
    return {
      name,
      title: settings.title ?? name,
      measure: ownMeasure(settings),
      side,
      levels,
      clearSeconds: 60,
      unit: unitOf(settings),
      hint: settings.hint ?? "A rule of this stack, under `x-roadstead.alerts`.",
      incident: incidentOf(settings.metric),
      ...(settings.services ? { services: settings.services } : {}),
    };
  });
}

function ownLevels(settings: OwnRule): AlertLevel[] {
  const severities: AlertSeverity[] = ["info", "warning", "critical"];
  return severities.flatMap((severity) => {
    const at = settings[severity];
    if (at === undefined) return [];
    return { severity, at, clear: settings.clear ?? at, forSeconds: settings.forSeconds ?? 60 };
  });
}

function ownMeasure({ metric, of, take, windowSeconds }: OwnRule): Measure {
  const by = labelsOf(metric);
  if (take === "increase") return { kind: "increase", metric, by, windowSeconds: windowSeconds ?? 300 };
  if (take === "p95") return { kind: "p95", metric, by, minimum: ownMinimum };
  return {
    kind: "gauge",
    metric,
    by,
    ...(of === undefined ? {} : { of }),
    ...(take === undefined ? {} : { take }),
  };
}

function labelsOf(metric: string): string[] {
  if (metric.startsWith("dependency.")) return ["scope", "dependency"];
  if (metric.startsWith("database.")) return ["scope", "service", "database"];
  if (metric.startsWith("route.")) return ["scope", "service", "route"];
  return ["scope", "service"];
}

function unitOf({ metric, of, take }: OwnRule): AlertUnit {
  if (of !== undefined || metric === "database.cache_hit") return "share";
  if (take === "p95") return "ms";
  if (take === "increase") return "count";
  return /memory|disk/.test(metric) ? "bytes" : "count";
}

function incidentOf(metric: string): IncidentClass {
  return metric.startsWith("database.") ? "database" : "service";
}

export const defaultRuleNames: readonly string[] = defaultRules.map(({ name }) => name);
