import type { IncidentClass } from "../policy/alert-rule.ts";
import {
  type ChecklistItem,
  checklistTexts,
  type Incident,
  openIncident,
  openWork,
  withEntry,
} from "../policy/incident-record.ts";
import { recoveryTree } from "../policy/recovery-tree.ts";
import { beginWalk, resumeAt } from "../policy/recovery-walk.ts";
import type { Actor } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { recoveryError } from "./errors.ts";
import type { RecoveryParts } from "./parts.ts";
import type { Recovery } from "./recovery.ts";

export type IncidentWish = {
  incident: IncidentClass;
  scope?: Scope;
  service?: string;
  impact?: string;
  affected?: string;
  reporter?: string;
  /** When it began. @default now */
  startedAt?: number;
  /** Takes it through its branch at once. */
  recover: boolean;
  /** Secrets to renew after a breach. */
  rotate?: readonly string[];
  drill?: string;
  /** Restore snapshots of this stack instead of its own. */
  dataFrom?: Scope;
};

export type IncidentNote = {
  text?: string;
  done?: readonly ChecklistItem[];
  rootCause?: string;
  actionItem?: string;
  /** Number of an action item, from 1. */
  actionDone?: number;
  affected?: string;
  impact?: string;
};

const maxItems = 100;

/** What people do with incidents; every change is a line of its timeline. */
export class Incidents {
  readonly #parts: RecoveryParts;
  readonly #recovery: Recovery;

  constructor(parts: RecoveryParts, recovery: Recovery) {
    this.#parts = parts;
    this.#recovery = recovery;
  }

  /** A report by hand; about what is open already it joins that one (R-215). */
  open(wish: IncidentWish, by: Actor): Incident {
    const { recover, rotate, startedAt, drill, dataFrom, ...about } = wish;
    this.#assertKnown(wish);
    const known = drill === undefined ? this.#recovery.known(about) : undefined;
    if (known && known.incident === wish.incident && known.status === "INVESTIGATING") {
      const reporter = wish.reporter === undefined ? "" : `, reported by ${wish.reporter}`;
      this.#note(
        known.id,
        by,
        `Reported again${reporter}${wish.impact === undefined ? "" : `: ${wish.impact}`}`,
      );
      this.#change(known.id, ({ facts, ...one }) => ({
        ...one,
        facts: { ...facts, declared: true, ...(rotate ? { rotate } : {}) },
        ...(wish.affected === undefined ? {} : { affected: wish.affected }),
        ...(wish.reporter === undefined ? {} : { reporter: wish.reporter }),
      }));
      return recover ? this.recover(known.id, by) : this.#recovery.book.get(known.id);
    }
    const now = this.#parts.clock.now();
    const opened = openIncident({
      id: this.#parts.ids.next("inc"),
      ...about,
      impact: wish.impact ?? "being found out",
      openedBy: by.name,
      startedAt: Math.min(startedAt ?? now, now),
      detectedAt: now,
      facts: { declared: true, ...(rotate ? { rotate } : {}), ...(dataFrom ? { dataFrom } : {}) },
      entry: {
        kind: "alert",
        text: wish.reporter === undefined ? "Opened by hand" : `Reported by ${wish.reporter}`,
      },
      ...(drill === undefined ? {} : { drill }),
    });
    if (recover) this.#recovery.assertFree(opened);
    const kept = this.#recovery.keep(opened);
    return recover ? this.recover(kept.id, by) : kept;
  }

  /** Begins its branch, or goes on with it: after people had it, or with the confirmed rebuild. */
  recover(id: string, by: Actor, { rebuild = false }: { rebuild?: boolean } = {}): Incident {
    const incident = this.#recovery.book.get(id);
    if (incident.status === "RESOLVED") throw recoveryError("RECOVERY_NOT_POSSIBLE", `${id} is resolved`);
    this.#recovery.assertFree(incident);
    if (incident.walk && incident.walk.end === undefined)
      throw recoveryError("RECOVERY_BUSY", `${id} is being recovered already`);
    if (incident.incident === "server")
      throw recoveryError(
        "RECOVERY_NOT_POSSIBLE",
        "a lost server cannot be recovered from itself",
        "On an empty host: roadstead recover",
      );
    const now = this.#parts.clock.now();
    const branch = recoveryTree[incident.incident];
    const isContained = incident.walk?.end === "contained";
    const walk =
      isContained && incident.walk ? resumeAt(incident.walk, "confirm", now) : beginWalk(branch, now);
    this.#change(id, (one) => ({
      ...withEntry(one, {
        at: now,
        kind: "status",
        text: rebuild ? "Rebuild confirmed" : `Recovery begun: ${branch.title}`,
        by: by.name,
      }),
      walk,
      facts: rebuild ? { ...one.facts, rebuild: true } : one.facts,
    }));
    this.#recovery.poke();
    return this.#recovery.book.get(id);
  }

  note(id: string, note: IncidentNote, by: Actor): Incident {
    const at = this.#parts.clock.now();
    const { text, done = [], rootCause, actionItem, actionDone, affected, impact } = note;
    if (text !== undefined) this.#note(id, by, text);
    return this.#change(id, (incident) => {
      const ticks = Object.fromEntries(done.map((item) => [item, { by: by.name, at }]));
      const items =
        actionItem === undefined
          ? incident.actionItems
          : [...incident.actionItems, { text: actionItem }].slice(0, maxItems);
      if (actionDone !== undefined && !items[actionDone - 1])
        throw recoveryError("RECOVERY_NOT_POSSIBLE", `there is no action item ${actionDone}`);
      const next: Incident = {
        ...incident,
        checklist: { ...incident.checklist, ...ticks },
        actionItems: items.map((item, index) =>
          index + 1 === actionDone ? { ...item, doneBy: by.name, doneAt: at } : item,
        ),
        ...(rootCause === undefined ? {} : { rootCause }),
        ...(affected === undefined ? {} : { affected }),
        ...(impact === undefined ? {} : { impact }),
      };
      const lines = [
        ...(rootCause === undefined ? [] : [`Root cause: ${rootCause}`]),
        ...done.map((item) => `Done: ${checklistTexts[item]}`),
      ];
      return lines.reduce((one, line) => withEntry(one, { at, kind: "note", text: line, by: by.name }), next);
    });
  }

  /** Somebody has it: nobody is called any more. */
  acknowledge(id: string, by: Actor): Incident {
    const at = this.#parts.clock.now();
    this.#note(id, by, "Acknowledged");
    return this.#change(id, (incident) => ({ ...incident, acknowledged: { by: by.name, at } }));
  }

  resolve(id: string, by: Actor): Incident {
    const incident = this.#recovery.book.get(id);
    if (incident.status === "RESOLVED") return incident;
    this.#recovery.assertFree(incident);
    return this.#recovery.resolve(id, by.reason === "" ? "Resolved by hand" : by.reason, by.name);
  }

  /** Closed as complete: only when nothing is left to do (R-208). */
  close(id: string, by: Actor): Incident {
    const incident = this.#recovery.book.get(id);
    if (incident.closed) return incident;
    const left = openWork(incident);
    if (left.length > 0)
      throw recoveryError("INCIDENT_NOT_OVER", `${id} can't be closed: ${left.join("; ")}`);
    const at = this.#parts.clock.now();
    this.#note(id, by, "Closed");
    return this.#change(id, (one) => ({ ...one, closed: { by: by.name, at } }));
  }

  #assertKnown({ scope, service, incident }: IncidentWish): void {
    if (incident !== "server" && !scope)
      throw recoveryError("RECOVERY_NOT_POSSIBLE", "which stack?", "Name it with --stack.");
    if (!scope) return;
    const stack = this.#parts.stackOf(scope);
    if (!stack) throw recoveryError("RECOVERY_NOT_POSSIBLE", `nothing runs in ${scopeKey(scope)}`);
    const names = stack.services.map(({ name }) => name);
    if (service !== undefined && !names.includes(service))
      throw recoveryError(
        "RECOVERY_NOT_POSSIBLE",
        `${scopeKey(scope)} has no service ${service}`,
        `It has ${names.join(", ")}.`,
      );
    if (service === undefined && (incident === "service" || incident === "database"))
      throw recoveryError("RECOVERY_NOT_POSSIBLE", "which service?", `It has ${names.join(", ")}.`);
  }

  #note(id: string, by: Actor, text: string): void {
    this.#recovery.book.note(id, { at: this.#parts.clock.now(), kind: "note", text, by: by.name });
  }

  #change(id: string, change: (incident: Incident) => Incident): Incident {
    return this.#recovery.book.change(id, change);
  }
}
