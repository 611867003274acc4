import { defaultEscalation, type EscalationTable } from "../policy/alert-escalation.ts";
import type { Contact } from "../policy/alert-oncall.ts";
import type { Silence } from "../policy/alert-quiet.ts";
import type { AlertSeverity, AlertSubject, IncidentClass } from "../policy/alert-rule.ts";
import type { AlertState } from "../policy/alert-step.ts";
import type { Store } from "../store/port.ts";

/** An alert as it is kept: what the rule needs, and what became of it among people. */
export type Alert = AlertState & {
  /** Made when it fires; absent while it is pending. */
  id?: string;
  hint: string;
  incident: IncidentClass;
  /** The gravest that it was. */
  worst?: AlertSeverity;
  acknowledged?: { by: string; at: number; reason: string };
  /** Why nobody is told, while that is so. */
  quiet?: string;
  /** At which severity it was told; absent: nobody was told yet. */
  told?: AlertSeverity;
  toldAt?: number;
  repeats: number;
  rounds: number;
  calledAt?: number;
};

/** One that is over. */
export type PastAlert = {
  id: string;
  rule: string;
  subject: AlertSubject;
  severity: AlertSeverity;
  message: string;
  firedAt: number;
  resolvedAt: number;
  acknowledgedBy?: string;
};

export type OnCall = { contacts: readonly Contact[]; table: EscalationTable };

const collections = {
  states: "alert-states",
  history: "alert-history",
  silences: "alert-silences",
  settings: "alert-settings",
} as const;
const maxStates = 5000;
const maxSilences = 500;
const maxHistory = 10_000;
const historyMs = 400 * 24 * 3600_000;

/** The durable side of alerting. */
export class AlertBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  states(): Alert[] {
    return this.#store.records
      .list<Alert>(collections.states, { limit: maxStates })
      .map(({ value }) => value);
  }

  put(alert: Alert): void {
    this.#store.records.put(collections.states, alert.key, alert);
  }

  remove(key: string): void {
    this.#store.records.remove(collections.states, key);
  }

  close(past: PastAlert): void {
    this.#store.records.put(
      collections.history,
      `${String(past.resolvedAt).padStart(15, "0")}/${past.id}`,
      past,
    );
  }

  /** Newest first. */
  history({ from, to, limit }: { from: number; to: number; limit: number }): PastAlert[] {
    return this.#store.records
      .list<PastAlert>(collections.history, { limit: maxHistory, newestFirst: true })
      .map(({ value }) => value)
      .filter(({ firedAt, resolvedAt }) => resolvedAt >= from && firedAt <= to)
      .slice(0, limit);
  }

  prune(now: number): void {
    const { records } = this.#store;
    for (const [index, { key, value }] of records
      .list<PastAlert>(collections.history, { limit: maxHistory * 2, newestFirst: true })
      .entries())
      if (index >= maxHistory || value.resolvedAt < now - historyMs) records.remove(collections.history, key);
    for (const silence of this.silences()) if (silence.until <= now) this.unsilence(silence.id);
  }

  silences(): Silence[] {
    return this.#store.records
      .list<Silence>(collections.silences, { limit: maxSilences })
      .map(({ value }) => value);
  }

  silence(silence: Silence): void {
    this.#store.records.put(collections.silences, silence.id, silence);
  }

  unsilence(id: string): void {
    this.#store.records.remove(collections.silences, id);
  }

  onCall(): OnCall {
    const kept = this.#store.records.get<OnCall>(collections.settings, "on-call");
    return kept ?? { contacts: [], table: defaultEscalation };
  }

  putOnCall(onCall: OnCall): void {
    this.#store.records.put(collections.settings, "on-call", onCall);
  }
}
