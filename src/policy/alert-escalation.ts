import { type Contact, isOnCall } from "./alert-oncall.ts";
import { type AlertSeverity, type IncidentClass, rankOf } from "./alert-rule.ts";

/** Who is called for which kind of incident, and how often again until somebody says that they have it. */
export type EscalationTable = {
  /** Roles that are called at once, all of them. */
  roles: Readonly<Record<IncidentClass, readonly string[]>>;
  /** Roles that stand in, in this order, for one that nobody covers now. */
  fallback: readonly string[];
  /** Milder alerts call nobody. */
  severity: AlertSeverity;
  afterSeconds: number;
  repeatSeconds: number;
  /** Calls for one alert, the first included. */
  limit: number;
};

/** The table of the reference platform: crash, database, whole server, security. */
export const defaultEscalation: EscalationTable = {
  roles: {
    service: ["DevOps lead"],
    database: ["Database admin", "CTO"],
    server: ["Infrastructure team", "CEO"],
    security: ["Security team", "Legal"],
  },
  fallback: ["Database admin", "Infrastructure team", "Security team"],
  severity: "critical",
  afterSeconds: 0,
  repeatSeconds: 900,
  limit: 8,
};

export type Call = {
  contacts: readonly Contact[];
  /** Roles that nobody covers now, not even in their place. */
  gaps: readonly string[];
  /** Counts from 1. */
  round: number;
};

export type Escalatable = {
  severity: AlertSeverity;
  incident: IncidentClass;
  firedAt: number;
  acknowledged: boolean;
  /** Rounds of calls so far, and when the last was. */
  rounds: number;
  calledAt?: number;
};

/** Whom to call about an alert now; undefined: nobody yet, nobody more, or somebody has it. */
export function escalate(
  alert: Escalatable,
  table: EscalationTable,
  contacts: readonly Contact[],
  now: number,
): Call | undefined {
  if (contacts.length === 0 || alert.acknowledged || alert.rounds >= table.limit) return undefined;
  if (rankOf(alert.severity) < rankOf(table.severity)) return undefined;
  const due =
    alert.calledAt === undefined
      ? alert.firedAt + table.afterSeconds * 1000
      : alert.calledAt + table.repeatSeconds * 1000;
  if (now < due) return undefined;
  return { ...calledFor(alert.incident, { table, contacts }, now), round: alert.rounds + 1 };
}

/** All contacts of the named roles that are on call; for a role that nobody covers, the next one that somebody does. */
export function calledFor(
  incident: IncidentClass,
  { table, contacts }: { table: EscalationTable; contacts: readonly Contact[] },
  now: number,
): Pick<Call, "contacts" | "gaps"> {
  const covering = (role: string) =>
    contacts.filter((contact) => contact.role === role && isOnCall(contact, now));
  const called = new Set<Contact>();
  const gaps: string[] = [];
  for (const role of table.roles[incident]) {
    const candidates = [role, ...table.fallback].map(covering);
    const found = candidates.find((some) => some.length > 0);
    if (!found) gaps.push(role);
    for (const contact of found ?? []) called.add(contact);
  }
  return { contacts: [...called], gaps };
}
