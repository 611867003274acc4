import type { Scope } from "../rollout/ids.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { IncidentClass } from "./alert-rule.ts";
import type { RootCause } from "./incident-cause.ts";
import { recoveryTree } from "./recovery-tree.ts";
import type { Walk } from "./recovery-walk.ts";

export type IncidentEntry = {
  /** Epoch ms. */
  at: number;
  kind: "alert" | "action" | "probe" | "verified" | "question" | "call" | "note" | "status";
  text: string;
  /** `roadstead`, or who it was. */
  by: string;
};

export const checklistItems = [
  "timeline",
  "stakeholders",
  "postMortem",
  "rootCause",
  "preventive",
  "runbooks",
] as const;
export type ChecklistItem = (typeof checklistItems)[number];

/** What is to be done after every incident, in the words of the runbook. */
export const checklistTexts: Readonly<Record<ChecklistItem, string>> = {
  timeline: "Document timeline in incident log",
  stakeholders: "Notify stakeholders of resolution",
  postMortem: "Schedule post-mortem meeting",
  rootCause: "Identify root cause",
  preventive: "Implement preventive measures",
  runbooks: "Update runbooks",
};

export type ActionItem = { text: string; doneBy?: string; doneAt?: number };

/** What the recovery of an incident has to remember between its steps. */
export type IncidentFacts = {
  /** The process ended, rather than only not answering. */
  ended?: boolean;
  /** The newest death or failed probe of the service. */
  lastDownAt?: number;
  /** Of outages before the present one, which belong to the same incident: seconds, and when this one began. */
  downBefore?: number;
  outageAt?: number;
  /** Somebody said what failed: nothing has to be seen to fail. */
  declared?: boolean;
  /** Calls are wanted until somebody acknowledges, or it is resolved. */
  callsSince?: number;
  /** Secrets to be renewed after a breach. */
  rotate?: readonly string[];
  rotated?: readonly string[];
  /** Somebody confirmed that the stack may run again. */
  rebuild?: boolean;
  /** Services that the recovery has stopped. */
  stopped?: readonly string[];
  /** Whose snapshots are restored, where it is not the stack's own. */
  dataFrom?: Scope;
  snapshot?: { id: string; takenAt: number };
  /** Snapshots that did not help. */
  tried?: readonly string[];
  /** Where the evidence lies, and the checksum of its list of checksums. */
  evidence?: { folder: string; files: number; sha256: string };
  /** People were told that it began. */
  told?: boolean;
};

export type Incident = {
  id: string;
  incident: IncidentClass;
  /** Absent: the whole host. */
  scope?: Scope;
  service?: string;
  status: "INVESTIGATING" | "RESOLVED";
  /** Part of a rehearsal: nobody is called. */
  drill?: string;
  impact: string;
  /** `~500 active users`. */
  affected?: string;
  /** When it failed, as far as that is known. */
  startedAt: number;
  /** When this platform noticed it, or was told. */
  detectedAt: number;
  resolvedAt?: number;
  openedBy: string;
  /** Who noticed it outside, e.g. a customer. */
  reporter?: string;
  timeline: readonly IncidentEntry[];
  /** Ids of the alerts that belong to it. */
  alerts: readonly string[];
  causes: readonly RootCause[];
  /** What people found it to be. */
  rootCause?: string;
  actionItems: readonly ActionItem[];
  checklist: Readonly<Partial<Record<ChecklistItem, { by: string; at: number }>>>;
  /** Age of the data that was brought back. */
  rpoSeconds?: number;
  walk?: Walk;
  calls: { rounds: number; at?: number };
  facts: IncidentFacts;
  acknowledged?: { by: string; at: number };
  closed?: { by: string; at: number };
};

const maxTimeline = 500;

export function openIncident(
  facts: Pick<
    Incident,
    "id" | "incident" | "scope" | "service" | "drill" | "impact" | "affected" | "openedBy" | "reporter"
  > & {
    startedAt: number;
    detectedAt: number;
    facts?: IncidentFacts;
    entry: Omit<IncidentEntry, "at" | "by">;
  },
): Incident {
  const { entry, detectedAt, openedBy, facts: known = {}, ...rest } = facts;
  return {
    ...rest,
    openedBy,
    detectedAt,
    status: "INVESTIGATING",
    timeline: [{ ...entry, at: detectedAt, by: openedBy }],
    alerts: [],
    causes: [],
    actionItems: [],
    checklist: { timeline: { by: "roadstead", at: detectedAt } },
    calls: { rounds: 0 },
    facts: known,
  };
}

/** One more line; of a very long story the beginning and the newest stay. */
export function withEntry(incident: Incident, entry: IncidentEntry): Incident {
  const { timeline } = incident;
  const kept =
    timeline.length < maxTimeline
      ? timeline
      : [...timeline.slice(0, 50), ...timeline.slice(-(maxTimeline - 51))];
  return { ...incident, timeline: [...kept, entry] };
}

/** The incident that a new alert, report or death belongs to: one trouble is one incident. */
export function incidentFor(
  incidents: readonly Incident[],
  about: { incident: IncidentClass; scope?: Scope; service?: string },
  options: { now: number; relapseMs: number },
): Incident | undefined {
  return incidents.find((one) => {
    if (one.closed) return false;
    const fresh = one.status === "INVESTIGATING" || (one.resolvedAt ?? 0) > options.now - options.relapseMs;
    return fresh && isAbout(one, about);
  });
}

function isAbout(
  one: Incident,
  { incident, scope, service }: { incident: IncidentClass; scope?: Scope; service?: string },
): boolean {
  // A breach or a lost server explains whatever else fails there.
  const covers = one.incident === incident || one.incident === "server" || one.incident === "security";
  const isDatabase = one.incident === "database" && incident === "service";
  if (!covers && !isDatabase) return false;
  if (one.scope === undefined) return one.incident === "server" || scope === undefined;
  if (scope === undefined || scopeKey(one.scope) !== scopeKey(scope)) return false;
  if (one.incident === "security" || isDatabase) return true;
  return one.service === undefined || service === undefined || one.service === service;
}

export function resolveIncident(incident: Incident, at: number): Incident {
  return { ...incident, status: "RESOLVED", resolvedAt: at };
}

export function reopenIncident(incident: Incident): Incident {
  const { resolvedAt: _at, ...rest } = incident;
  return { ...rest, status: "INVESTIGATING" };
}

/** From the failure to resolved, against the target of its branch; where it failed again, both times together. */
export function recoveryTimes(incident: Incident): {
  rtoTarget: number;
  rto?: number;
  rpoTarget?: number;
  rpo?: number;
  met?: boolean;
} {
  const { rtoSeconds: rtoTarget, rpoSeconds: rpoTarget } = recoveryTree[incident.incident];
  const { resolvedAt, detectedAt, startedAt, rpoSeconds: rpo } = incident;
  const { downBefore = 0, outageAt = Math.min(startedAt, detectedAt) } = incident.facts;
  const rto = resolvedAt === undefined ? undefined : downBefore + (resolvedAt - outageAt) / 1000;
  const isFresh = rpo === undefined || rpoTarget === undefined || rpo <= rpoTarget;
  return {
    rtoTarget,
    ...(rto === undefined ? {} : { rto, met: rto <= rtoTarget && isFresh }),
    ...(rpoTarget === undefined ? {} : { rpoTarget }),
    ...(rpo === undefined ? {} : { rpo }),
  };
}

/** What stands against closing it; empty: nothing. */
export function openWork(incident: Incident): string[] {
  const items = checklistItems.filter((item) => incident.checklist[item] === undefined);
  return [
    ...(incident.status === "RESOLVED" ? [] : ["it is not resolved"]),
    ...items.map((item) => `${item}: ${checklistTexts[item]}`),
    ...(incident.rootCause === undefined && incident.checklist.rootCause !== undefined
      ? ["rootCause: it is ticked, but not written down"]
      : []),
  ];
}
