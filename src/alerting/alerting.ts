import { messageOf } from "../lib/platform-error.ts";
import { escalate } from "../policy/alert-escalation.ts";
import { readingsOf } from "../policy/alert-measure.ts";
import { quietedBy, type Silence } from "../policy/alert-quiet.ts";
import { type AlertRule, alertKey, type Reading, rankOf } from "../policy/alert-rule.ts";
import { stepAlert } from "../policy/alert-step.ts";
import { type Alert, AlertBook } from "./alert-book.ts";
import { askAt } from "./ask.ts";
import { alertingError } from "./errors.ts";
import { type Crash, FactSource } from "./facts.ts";
import type { AlertingParts } from "./parts.ts";
import { RuleSet } from "./rule-set.ts";
import type { Teller } from "./teller.ts";

const standardTickMs = 15_000;
const pruneEveryMs = 3600_000;
/** Told again when nobody acknowledged it. */
const repeatMs = { info: Number.POSITIVE_INFINITY, warning: 24 * 3600_000, critical: 4 * 3600_000 };
const maxRepeats = 20;

export type RuleValue = { rule: AlertRule; reading: Reading };

/**
 * Looks at everything every 15 seconds, and keeps what it found: a restart neither forgets an alert nor tells it twice.
 * Change of state and message are one transaction. What is well costs a few questions to the series and no write.
 */
export class Alerting {
  readonly book: AlertBook;
  readonly #parts: AlertingParts;
  readonly #teller: Teller;
  readonly #facts: FactSource;
  readonly #alerts = new Map<string, Alert>();
  readonly #marks = new Map<string, string>();
  readonly #askedAt = new Map<string, number>();
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;
  #prunedAt = 0;

  constructor(parts: AlertingParts, teller: Teller) {
    this.#parts = parts;
    this.#teller = teller;
    this.book = new AlertBook(parts.store);
    this.#facts = new FactSource(parts);
    for (const alert of this.book.states()) {
      this.#alerts.set(alert.key, alert);
      this.#marks.set(alert.key, markOf(alert));
    }
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    this.#facts.close();
    await this.#loop;
  }

  /** Of the reconciler: a replica ended, or is well again. */
  noteHealth(change: Crash): void {
    this.#facts.noteHealth(change);
  }

  /** What holds now, the gravest first, then the newest. */
  active(): Alert[] {
    return [...this.#alerts.values()]
      .filter(({ severity }) => severity !== undefined)
      .sort((a, b) => rankOf(b.severity) - rankOf(a.severity) || (b.firedAt ?? 0) - (a.firedAt ?? 0));
  }

  /** Every rule with its present values: what `roadstead alerts rules` shows. */
  values(): { rule: AlertRule; only?: string; values: RuleValue[] }[] {
    const rules = this.#rules();
    const world = this.#world(this.#parts.clock.now());
    return rules.all().map(({ rule, only }) => ({
      rule,
      ...(only === undefined ? {} : { only }),
      values: readingsOf(rule.measure, world).flatMap((reading) => {
        const mine = rules.for(rule, reading, only);
        return mine ? [{ rule: mine, reading }] : [];
      }),
    }));
  }

  acknowledge(id: string, by: { name: string; reason: string }): Alert {
    const alert = this.active().find((one) => one.id === id);
    if (!alert) throw alertingError("ALERT_UNKNOWN", `there is no active alert ${id}`);
    const known = { ...alert, acknowledged: { by: by.name, at: this.#parts.clock.now(), reason: by.reason } };
    this.#keep(known);
    return known;
  }

  silence(silence: Omit<Silence, "id" | "at">): Silence {
    const made = { ...silence, id: this.#parts.ids.next("silence"), at: this.#parts.clock.now() };
    this.book.silence(made);
    return made;
  }

  unsilence(id: string): Silence {
    const known = this.book.silences().find((one) => one.id === id);
    if (!known) throw alertingError("ALERT_SILENCE_UNKNOWN", `there is no silence ${id}`);
    this.book.unsilence(id);
    return known;
  }

  /** One look at everything. */
  tick(): void {
    const now = this.#parts.clock.now();
    const rules = this.#rules();
    const world = this.#world(now);
    const quiet = { silences: this.book.silences(), rules };
    this.#parts.store.transaction(() => {
      for (const { rule, only } of rules.all()) {
        if (!this.#isDue(rule, only, now)) continue;
        const readings = new Map<string, { rule: AlertRule; reading: Reading }>();
        for (const reading of readingsOf(rule.measure, world)) {
          const mine = rules.for(rule, reading, only);
          if (mine) readings.set(alertKey(rule.name, reading.subject), { rule: mine, reading });
        }
        for (const key of this.#keysOf(rule.name, readings.keys(), only))
          this.#step(key, readings.get(key) ?? { rule, reading: undefined }, quiet, now);
      }
      this.#dropForeign(rules, now);
      for (const alert of this.active()) this.#remind(alert, quiet, now);
    });
    if (now - this.#prunedAt < pruneEveryMs) return;
    this.#prunedAt = now;
    this.book.prune(now);
  }

  async #run(): Promise<void> {
    const { clock, log, tickMs = standardTickMs } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        this.tick();
      } catch (error) {
        log("error", `alerting: ${messageOf(error)}`);
        this.#reload();
      }
      await clock.sleep(tickMs, signal).catch(() => undefined);
    }
  }

  #rules(): RuleSet {
    const scopes = this.#parts.store.scopes.list().map(({ scope }) => scope);
    return new RuleSet(scopes, this.#parts.settingsOf);
  }

  #world(now: number) {
    return { ask: askAt(this.#parts.telemetry, now), facts: this.#facts.read(), now };
  }

  #isDue({ name, everySeconds = 0 }: AlertRule, only: string | undefined, now: number): boolean {
    const key = `${only ?? ""} ${name}`;
    if (now - (this.#askedAt.get(key) ?? 0) < everySeconds * 1000) return false;
    this.#askedAt.set(key, now);
    return true;
  }

  /** The subjects with a value, and those that had an alert. */
  #keysOf(rule: string, read: Iterable<string>, only: string | undefined): Set<string> {
    const keys = new Set(read);
    for (const [key, alert] of this.#alerts)
      if (alert.rule === rule && (only === undefined || alert.subject.scope === only)) keys.add(key);
    return keys;
  }

  #step(
    key: string,
    { rule, reading }: { rule: AlertRule; reading: Reading | undefined },
    quiet: Quiet,
    now: number,
  ): void {
    const before = this.#alerts.get(key);
    const { state, change } = stepAlert(before, reading, rule, now);
    if (!state && !change) {
      if (before) this.#forget(key);
      return;
    }
    const base = state ?? change?.state;
    if (!base) return;
    const alert: Alert = { ...carried(before, rule), ...base };
    switch (change?.kind) {
      case undefined:
      case "lowered":
        this.#keep(alert);
        break;
      case "fired":
      case "raised":
        this.#fire({ ...alert, worst: change.severity }, quiet, now);
        break;
      case "resolved":
        this.#resolve(
          { ...alert, ...(before?.firedAt === undefined ? {} : { firedAt: before.firedAt }) },
          state !== undefined,
          now,
        );
        break;
    }
  }

  #fire(alert: Alert, quiet: Quiet, now: number): void {
    const { acknowledged: _old, ...rest } = alert;
    // A graver state is news to whoever had acknowledged the milder one.
    const fired: Alert = { ...rest, id: alert.id ?? this.#parts.ids.next("alert") };
    this.#keep(this.#tell(fired, quiet, now));
  }

  #resolve(alert: Alert, remembers: boolean, now: number): void {
    const { id, firedAt, worst = "warning" } = alert;
    if (id !== undefined) {
      const { rule, subject, message, acknowledged } = alert;
      const times = { firedAt: firedAt ?? now, resolvedAt: now };
      const by = acknowledged ? { acknowledgedBy: acknowledged.by } : {};
      this.book.close({ id, rule, subject, severity: worst, message, ...times, ...by });
      if (alert.told !== undefined) this.#teller.resolved({ ...alert, severity: worst }, now);
    }
    if (remembers) this.#keep(alert.firings.length > 0 ? calm(alert) : alert);
    else this.#forget(alert.key);
  }

  /** Tells it to whoever wants to hear it, unless it is silenced; then later, if it still holds. */
  #tell(alert: Alert, quiet: Quiet, now: number): Alert {
    const { severity } = alert;
    if (severity === undefined) return alert;
    const why = quietedBy(
      alert,
      { silences: quiet.silences, windows: quiet.rules.windows(alert.subject.scope) },
      now,
    );
    const { quiet: _before, ...rest } = alert;
    if (why) return { ...rest, quiet: why.why };
    this.#teller.fired({ ...rest, severity }, now);
    return { ...rest, told: severity, toldAt: now };
  }

  /** What a silence held back, what nobody reacted to, and who is to be called. */
  #remind(alert: Alert, quiet: Quiet, now: number): void {
    const { severity } = alert;
    if (severity === undefined) return;
    let next = alert;
    if (rankOf(alert.told) < rankOf(severity)) next = this.#tell(alert, quiet, now);
    else if (
      !alert.acknowledged &&
      alert.repeats < maxRepeats &&
      now - (alert.toldAt ?? now) >= repeatMs[severity]
    )
      next = { ...this.#tell({ ...alert, repeats: alert.repeats + 1 }, quiet, now) };
    const { contacts, table } = this.book.onCall();
    const facts = {
      ...next,
      severity,
      firedAt: next.firedAt ?? now,
      acknowledged: next.acknowledged !== undefined,
    };
    const call = next.quiet === undefined ? escalate(facts, table, contacts, now) : undefined;
    if (call) {
      this.#teller.call({ ...next, severity }, call, now);
      next = { ...next, rounds: call.round, calledAt: now };
    }
    if (next !== alert) this.#keep(next);
  }

  /** A rule that was switched off, or a stack that is gone: nothing asks for these any more. */
  #dropForeign(rules: RuleSet, now: number): void {
    const known = new Set(rules.all().map(({ rule, only }) => `${only ?? ""} ${rule.name}`));
    const defaults = new Map(
      rules.all().flatMap(({ rule, only }) => (only === undefined ? [[rule.name, rule]] : [])),
    );
    for (const alert of [...this.#alerts.values()]) {
      const { scope } = alert.subject;
      const base = defaults.get(alert.rule);
      const holds = base ? rules.for(base, alert) !== undefined : known.has(`${scope ?? ""} ${alert.rule}`);
      if (!holds) this.#resolve(alert, false, now);
    }
  }

  /** Writes only what differs in more than its present value. */
  #keep(alert: Alert): void {
    this.#alerts.set(alert.key, alert);
    const mark = markOf(alert);
    if (this.#marks.get(alert.key) === mark) return;
    this.#marks.set(alert.key, mark);
    this.book.put(alert);
  }

  #forget(key: string): void {
    this.#alerts.delete(key);
    if (this.#marks.delete(key)) this.book.remove(key);
  }

  /** After a pass that failed, the store is right. */
  #reload(): void {
    this.#alerts.clear();
    this.#marks.clear();
    for (const alert of this.book.states()) {
      this.#alerts.set(alert.key, alert);
      this.#marks.set(alert.key, markOf(alert));
    }
  }
}

type Quiet = { silences: readonly Silence[]; rules: RuleSet };

/** What people did, and what the rule says of itself; the state of the rule goes on top. */
function carried(before: Alert | undefined, rule: AlertRule) {
  const { hint, incident } = rule;
  if (!before) return { hint, incident, repeats: 0, rounds: 0 };
  const { id, worst, acknowledged, quiet, told, toldAt, repeats, rounds, calledAt } = before;
  return {
    hint,
    incident,
    repeats,
    rounds,
    ...(id === undefined ? {} : { id }),
    ...(worst === undefined ? {} : { worst }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(quiet === undefined ? {} : { quiet }),
    ...(told === undefined ? {} : { told }),
    ...(toldAt === undefined ? {} : { toldAt }),
    ...(calledAt === undefined ? {} : { calledAt }),
  };
}

/** Only what damps the next firings. */
function calm({ key, rule, subject, beyond, held, message, value, firings, hint, incident }: Alert): Alert {
  return { key, rule, subject, beyond, held, message, value, firings, hint, incident, repeats: 0, rounds: 0 };
}

function markOf({ value: _value, message: _message, detail: _detail, ...rest }: Alert): string {
  return JSON.stringify(rest);
}
