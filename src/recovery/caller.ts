import { type Call, calledFor, escalate } from "../policy/alert-escalation.ts";
import { incidentBody, incidentSubject } from "../policy/incident-message.ts";
import { type Incident, withEntry } from "../policy/incident-record.ts";
import type { IncidentBook } from "./incident-book.ts";
import type { RecoveryParts } from "./parts.ts";

/** A trouble that is over sooner is told once, as resolved. */
const quietMs = 10_000;

/** Tells stakeholders and calls people about incidents; drills are written down and told to nobody. */
export class Caller {
  readonly #parts: RecoveryParts;
  readonly #book: IncidentBook;

  constructor(parts: RecoveryParts, book: IncidentBook) {
    this.#parts = parts;
    this.#book = book;
  }

  /** Calls everybody whom the table names for this kind of incident; again later until somebody has it. */
  callNow(id: string): string {
    const { people, clock } = this.#parts;
    const incident = this.#book.get(id);
    const now = clock.now();
    const { table, contacts } = people.onCall();
    const { acknowledged, calls } = incident;
    if (acknowledged) return `${acknowledged.by} has it`;
    if (calls.at !== undefined && now - calls.at < table.repeatSeconds * 1000) {
      this.#want(id, now);
      return "People were called only a moment ago";
    }
    const call = {
      ...calledFor(incident.incident, { table, contacts }, now),
      round: incident.calls.rounds + 1,
    };
    return this.#make(incident, call, now);
  }

  /** What is due: the first message about what lasts, and calls that nobody has answered. */
  remind(incident: Incident): void {
    const { people, clock } = this.#parts;
    const now = clock.now();
    const { facts, calls, acknowledged, id } = incident;
    if (facts.told !== true && now - incident.detectedAt >= quietMs) this.tell(incident);
    if (facts.callsSince === undefined) return;
    const { table, contacts } = people.onCall();
    const call = escalate(
      {
        severity: "critical",
        incident: incident.incident,
        firedAt: facts.callsSince,
        acknowledged: acknowledged !== undefined,
        rounds: calls.rounds,
        ...(calls.at === undefined ? {} : { calledAt: calls.at }),
      },
      table,
      contacts,
      now,
    );
    if (!call) return;
    const text = this.#make(incident, call, now);
    this.#book.note(id, { at: now, kind: "call", text, by: "roadstead" });
  }

  /** The filled-in template, to every channel that wants incidents. */
  tell(incident: Incident): void {
    const { people, clock, store } = this.#parts;
    const { id, status, scope, timeline, drill } = incident;
    store.transaction(() => {
      this.#book.change(id, (now) => ({ ...now, facts: { ...now.facts, told: true } }));
      if (drill !== undefined) return;
      people.notify({
        kind: "incident",
        severity: status === "RESOLVED" ? "info" : "critical",
        title: incidentSubject(incident),
        text: incidentBody(incident),
        at: clock.now(),
        key: `incident/${id}/${status}/${timeline.length}`,
        ...(scope ? { scope } : {}),
      });
    });
  }

  /** From here on calls are repeated. */
  #want(id: string, now: number): void {
    this.#book.change(id, ({ facts, ...one }) => ({
      ...one,
      facts: { ...facts, callsSince: facts.callsSince ?? now },
    }));
  }

  #make(incident: Incident, call: Call, now: number): string {
    const { people, store } = this.#parts;
    const { id, scope, drill, facts } = incident;
    const names = call.contacts.map(({ name, role }) => `${name} (${role})`).join(", ");
    const gaps = call.gaps.length === 0 ? "" : `; nobody covers ${call.gaps.join(", ")} now`;
    store.transaction(() => {
      this.#book.change(id, (one) => ({
        ...one,
        calls: { rounds: call.round, at: now },
        facts: { ...one.facts, callsSince: facts.callsSince ?? now },
      }));
      if (drill !== undefined || call.contacts.length === 0) return;
      const until = `roadstead incident ack ${id}`;
      const page = { id, subject: incidentSubject(incident), text: incidentBody(incident), until };
      people.page({ ...page, ...(scope ? { scope } : {}) }, call);
    });
    if (names === "") return `Nobody to call${gaps}: roadstead oncall gaps`;
    return `${drill === undefined ? "Called" : "Would have called"} ${names}${gaps}`;
  }
}

/** A line that says what somebody did, and the change with it. */
export function noted(
  incident: Incident,
  { at, by, text }: { at: number; by: string; text: string },
  kind: "note" | "status" = "note",
): Incident {
  return withEntry(incident, { at, by, text, kind });
}
