/** How bad it is; the order is the order of escalation. */
export const alertSeverities = ["info", "warning", "critical"] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

/** What kind of incident an alert is the beginning of: decides who is called. */
export const incidentClasses = ["service", "database", "server", "security"] as const;
export type IncidentClass = (typeof incidentClasses)[number];

/** How a value is written for people. */
export type AlertUnit = "share" | "ms" | "seconds" | "days" | "hours" | "minutes" | "bytes" | "count";

/** Where a rule's value comes from. Labels in `by` stay apart: each combination is judged for itself. */
export type Measure =
  /** The last minute of a gauge, as a share of another where `of` names one. */
  | { kind: "gauge"; metric: string; of?: string; by: readonly string[]; take?: "avg" | "min" | "max" }
  /** Missing replicas as a share of those wanted. */
  | { kind: "missing"; by: readonly string[] }
  /** Share of bad answers in the last minutes; in a longer window where requests are few. */
  | { kind: "errors"; by: readonly string[]; minimum: number }
  /** 95th percentile of the newest minute with enough requests; of a longer window where they are few. */
  | { kind: "p95"; metric: string; by: readonly string[]; minimum: number }
  /** `or`: a fact that counts where it says more; `longest`: a gauge in seconds that is shown instead of the count. */
  | {
      kind: "increase";
      metric: string;
      by: readonly string[];
      windowSeconds: number;
      or?: FactKind;
      longest?: string;
    }
  /** Days until a gauge reaches another, when it goes on growing as in the last day. */
  | { kind: "fullIn"; metric: string; of: string; by: readonly string[] }
  /** Days until a gauge that holds a time in seconds. */
  | { kind: "daysUntil"; metric: string; by: readonly string[] }
  /** Something that the platform knows by itself. */
  | { kind: "fact"; fact: FactKind };

export type FactKind = "crashes" | "deploymentFailed" | "deploymentStuck" | "backupAge" | "backupSuspect";

/** One threshold. It holds from `forSeconds` beyond `at` until the value was past `clear` for the rule's `clearSeconds`. */
export type AlertLevel = {
  severity: AlertSeverity;
  at: number;
  clear: number;
  forSeconds: number;
  /** @default the rule's */
  side?: AlertSide;
};

/** On which side of a threshold it is bad; `reaches` counts the threshold itself. */
export type AlertSide = "above" | "reaches" | "below";

/** A rule as data: everything that is judged, and how it is told. */
export type AlertRule = {
  /** Stable, used in settings: `memory`. */
  name: string;
  /** `High Memory Usage`. */
  title: string;
  measure: Measure;
  side: AlertSide;
  /** From the mildest to the gravest. */
  levels: readonly AlertLevel[];
  clearSeconds: number;
  unit: AlertUnit;
  hint: string;
  incident: IncidentClass;
  /** Between two looks. @default every pass */
  everySeconds?: number;
  /** Only these services; absent: all. */
  services?: readonly string[];
};

/** What an alert is about. */
export type AlertSubject = {
  /** "stack/environment"; absent: the host. */
  scope?: string;
  service?: string;
  /** A mount, a host name, a dependency, a database. */
  name?: string;
};

/** One value of one subject now. */
export type Reading = {
  subject: AlertSubject;
  value: number;
  /** Takes the place of the numbers in the message: `0 of 2 ready`. */
  words?: string;
  /** One more line: which step failed, which exit code. */
  detail?: string;
};

export function rankOf(severity: AlertSeverity | undefined): number {
  return severity === undefined ? -1 : alertSeverities.indexOf(severity);
}

export function isBeyond(rule: Pick<AlertRule, "side">, level: AlertLevel, value: number): boolean {
  switch (level.side ?? rule.side) {
    case "above":
      return value > level.at;
    case "reaches":
      return value >= level.at;
    case "below":
      return value < level.at;
  }
}

/** Far enough back to count as over: not merely on the good side of the threshold. */
export function isCalm(rule: Pick<AlertRule, "side">, level: AlertLevel, value: number): boolean {
  if (isBeyond(rule, level, value)) return false;
  return (level.side ?? rule.side) === "below" ? value >= level.clear : value <= level.clear;
}

/** The identity of an alert: the same rule about the same subject is the same alert. */
export function alertKey(rule: string, { scope, service, name }: AlertSubject): string {
  return [rule, scope ?? "-", service ?? "-", name ?? "-"].join("|");
}

/** What people call it: `api`, `/var/lib`, `payments`. */
export function subjectName({ scope, service, name }: AlertSubject): string {
  if (service !== undefined) return name === undefined ? service : `${service} ${name}`;
  return name ?? scope ?? "host";
}
