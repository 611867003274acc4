import type { Alert } from "../alerting/alert-book.ts";
import { scopeOf } from "../alerting/teller.ts";
import { messageOf } from "../lib/platform-error.ts";
import { type RootCause, rootCauses } from "../policy/incident-cause.ts";
import {
  type Incident,
  incidentFor,
  openIncident,
  recoveryTimes,
  reopenIncident,
  resolveIncident,
  withEntry,
} from "../policy/incident-record.ts";
import { recoveryTree } from "../policy/recovery-tree.ts";
import { beginWalk, relapse } from "../policy/recovery-walk.ts";
import type { HealthChange } from "../reconciler/health-news.ts";
import { scopeKey } from "../rollout/ids.ts";
import { Caller, noted } from "./caller.ts";
import { recoveryError } from "./errors.ts";
import { IncidentBook } from "./incident-book.ts";
import { causeFacts, impactOf } from "./open-facts.ts";
import type { RecoveryParts } from "./parts.ts";
import { walkBranch } from "./walker.ts";

const busyMs = 1000;
const restMs = 5000;
const relapseMs = 10 * 60_000;
/** So long without a new death an incident that people have is over. */
const calmMs = 90_000;
const leaseSlackMs = 30_000;
const maxAtOnce = 8;
/** Alerts that say that a service is down: the others are attached to what is open. */
const crashRules = new Set(["service-down", "restart-loop", "route-down"]);

/**
 * Opens incidents by itself, takes them through their branch, and closes what is over. One recovery of a stack at a
 * time. Keeps nothing in memory that it could not read again.
 */
export class Recovery {
  readonly book: IncidentBook;
  readonly caller: Caller;
  readonly #parts: RecoveryParts;
  readonly #stop = new AbortController();
  /** Stack -> the incident that is being recovered there. */
  readonly #running = new Map<string, { id: string; ended: Promise<void> }>();
  readonly #open = new Set<string>();
  /** Alerts that have their incident. */
  #settled = new Set<string>();
  #wake = new AbortController();
  #loop: Promise<void> | undefined;
  /** Which drill an environment belongs to. */
  drillOf: (scope: HealthChange["scope"]) => string | undefined = () => undefined;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.book = new IncidentBook(parts.store);
    this.caller = new Caller(parts, this.book);
  }

  start(): void {
    for (const { id, status } of this.book.list()) if (status === "INVESTIGATING") this.#open.add(id);
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  /** A replica fell ill or is well again. Returns at once. */
  onHealth(change: HealthChange): void {
    try {
      if (change.kind === "down") this.#down(change);
      this.poke();
    } catch (error) {
      this.#parts.log("error", `recovery: ${messageOf(error)}`);
    }
  }

  /** Looks now. */
  poke(): void {
    this.#wake.abort();
  }

  /** Keeps a new one, and calls people at once where its kind asks for it. */
  keep(incident: Incident): Incident {
    this.book.put(incident);
    this.#open.add(incident.id);
    if (recoveryTree[incident.incident].callsAtOnce) {
      const text = this.caller.callNow(incident.id);
      this.book.note(incident.id, { at: this.#parts.clock.now(), kind: "call", text, by: "roadstead" });
    }
    this.poke();
    return this.book.get(incident.id);
  }

  /** The open one about the same thing, or one that was over only a moment ago. */
  known(about: Pick<Incident, "incident" | "scope" | "service">): Incident | undefined {
    // What a drill causes is never taken for the real thing that was over a moment ago, nor the other way round.
    const drill = about.scope && this.drillOf(about.scope);
    const recent = this.book.list(200).filter((one) => one.drill === drill);
    return incidentFor(recent, about, { now: this.#parts.clock.now(), relapseMs });
  }

  /** Refuses while another recovery of the stack is at work. */
  assertFree(incident: Incident): void {
    const other = this.#running.get(lockOf(incident));
    if (other && other.id !== incident.id)
      throw recoveryError("RECOVERY_BUSY", `${lockOf(incident)} is being recovered: incident ${other.id}`);
    if (other) throw recoveryError("RECOVERY_BUSY", `incident ${incident.id} is being recovered already`);
  }

  /** Ends it as resolved, and tells everybody. */
  resolve(id: string, text: string, by = "roadstead"): Incident {
    const at = this.#parts.clock.now();
    const resolved = this.book.change(id, (incident) => {
      const { facts, checklist } = incident;
      const { callsSince: _calls, ...rest } = facts;
      const told = { ...checklist, stakeholders: checklist.stakeholders ?? { by: "roadstead", at } };
      return noted(
        resolveIncident({ ...incident, facts: rest, checklist: told }, at),
        { at, by, text },
        "status",
      );
    });
    this.#open.delete(id);
    this.caller.tell(resolved);
    return resolved;
  }

  #down(change: HealthChange): void {
    const { store, clock, ids } = this.#parts;
    const { scope, service } = change;
    const now = clock.now();
    const about = { incident: "service" as const, scope, service };
    store.transaction(() => {
      const known = this.known(about);
      if (known) {
        if (known.incident === "service") this.#again(known, change, now);
        return;
      }
      const drill = this.drillOf(scope);
      const opened = openIncident({
        id: ids.next("inc"),
        ...about,
        impact: impactOf(this.#parts, change),
        openedBy: "roadstead",
        startedAt: Math.min(change.at, now),
        detectedAt: now,
        facts: { ended: change.ended, lastDownAt: now },
        entry: { kind: "alert", text: `Alert triggered (${this.#reason(change)})` },
        ...(drill === undefined ? {} : { drill }),
      });
      this.keep({ ...this.#withCauses(opened, change), walk: beginWalk(recoveryTree.service, now) });
    });
  }

  /** The same trouble: noted, and where it seemed over the tree goes on. */
  #again(known: Incident, change: HealthChange, now: number): void {
    const text = `Failed again (${this.#reason(change)})`;
    const facts = { ...known.facts, ended: change.ended, lastDownAt: now };
    const isOpen = known.status === "INVESTIGATING";
    // A loop says the same every few seconds.
    const isOld = isOpen && known.timeline.some((entry) => entry.kind === "alert" && entry.text === text);
    const told = isOld ? known : withEntry(known, { at: now, kind: "alert", text, by: "roadstead" });
    const next = this.#withCauses({ ...told, facts }, change);
    this.#open.add(known.id);
    if (isOpen) {
      this.book.put(next);
      return;
    }
    const { rto = 0 } = recoveryTimes(known);
    next.facts = { ...facts, downBefore: rto, outageAt: Math.min(change.at, now) };
    const walk = next.walk ? relapse(next.walk, now) : beginWalk(recoveryTree.service, now);
    this.book.put({ ...reopenIncident(next), walk });
  }

  #reason({ scope, reason }: HealthChange): string {
    return `health check fail: ${this.#parts.mask(scope, reason)}`;
  }

  #withCauses(incident: Incident, change: HealthChange): Incident {
    const found = rootCauses(causeFacts(this.#parts, change));
    const all = [...incident.causes, ...found.filter(({ text }) => !has(incident.causes, text))];
    const isLikely = (cause: RootCause) => cause.likelihood === "likely";
    const causes = [...all.filter(isLikely), ...all.filter((one) => !isLikely(one))].slice(0, 20);
    const likely = found
      .filter(({ likelihood }) => likelihood === "likely")
      .flatMap(({ proposals }) => proposals);
    const items = likely.filter((text) => !has(incident.actionItems, text)).map((text) => ({ text }));
    return { ...incident, causes, actionItems: [...incident.actionItems, ...items].slice(0, 50) };
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      try {
        this.#alerts();
        for (const id of [...this.#open]) await this.#look(id);
      } catch (error) {
        log("error", `recovery: ${messageOf(error)}`);
      }
      const early = AbortSignal.any([signal, this.#wake.signal]);
      await clock.sleep(this.#open.size > 0 ? busyMs : restMs, early).catch(() => undefined);
    }
  }

  /** Alerts join what is open; the gravest ones about a service that is down open one. */
  #alerts(): void {
    const settled = this.#settled;
    this.#settled = new Set();
    for (const alert of this.#parts.people.active()) {
      if (alert.id === undefined || alert.severity !== "critical") continue;
      if (settled.has(alert.id)) {
        this.#settled.add(alert.id);
        continue;
      }
      const scope = scopeOf(alert.subject.scope);
      const { service } = alert.subject;
      const about = {
        incident: alert.incident,
        ...(scope ? { scope } : {}),
        ...(service === undefined ? {} : { service }),
      };
      const known = this.known(about);
      if (known) this.#attach(known, alert);
      else if (crashRules.has(alert.rule) && scope && service !== undefined) this.#openFor(alert, about);
    }
  }

  #attach({ id, alerts }: Incident, alert: Alert): void {
    const alertId = alert.id;
    if (alertId === undefined) return;
    if (alerts.includes(alertId)) {
      this.#settled.add(alertId);
      return;
    }
    this.#settle(alertId, id);
    const text = `Alert triggered (${alert.message})`;
    this.book.change(id, (incident) =>
      withEntry(
        { ...incident, alerts: [...incident.alerts, alertId] },
        { at: this.#parts.clock.now(), kind: "alert", text, by: "roadstead" },
      ),
    );
  }

  #openFor(alert: Alert, about: Pick<Incident, "incident" | "scope" | "service">): void {
    const now = this.#parts.clock.now();
    const opened = openIncident({
      id: this.#parts.ids.next("inc"),
      ...about,
      incident: "service",
      impact: alert.message,
      openedBy: "roadstead",
      startedAt: alert.firedAt ?? now,
      detectedAt: now,
      entry: { kind: "alert", text: `Alert triggered (${alert.message})` },
    });
    if (alert.id !== undefined) this.#settle(alert.id, opened.id);
    const alerts = alert.id === undefined ? [] : [alert.id];
    this.keep({ ...opened, alerts, walk: beginWalk(recoveryTree.service, now) });
  }

  /** The incident calls people from here on: the alert need not. */
  #settle(alert: string, incident: string): void {
    this.#settled.add(alert);
    this.#parts.people.acknowledge(alert, `incident ${incident}`);
  }

  async #look(id: string): Promise<void> {
    const incident = this.book.find(id);
    if (!incident || incident.status === "RESOLVED") {
      this.#open.delete(id);
      return;
    }
    const { walk } = incident;
    if (walk && walk.end === undefined) this.#walk(incident);
    else if (walk) await this.#afterWalk(incident);
    const now = this.book.get(id);
    if (now.status === "INVESTIGATING") this.caller.remind(now);
  }

  #walk(incident: Incident): void {
    const key = lockOf(incident);
    if (this.#running.has(key) || this.#running.size >= maxAtOnce) return;
    const { clock, store, holder, log } = this.#parts;
    const hold = (limitMs: number) => {
      if (!store.leases.acquire(`recovery/${key}`, holder, limitMs + leaseSlackMs, clock.now()))
        throw recoveryError("RECOVERY_BUSY", `another control plane recovers ${key}`);
    };
    const { id } = incident;
    const call = (which: string) => this.caller.callNow(which);
    const ended = walkBranch({ parts: this.#parts, book: this.book, id, hold, call }, this.#stop.signal)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) log("error", `recovery of ${id}: ${messageOf(error)}`);
      })
      .finally(() => {
        this.#running.delete(key);
        store.leases.release(`recovery/${key}`, holder);
        this.poke();
      });
    this.#running.set(key, { id, ended });
  }

  async #afterWalk(incident: Incident): Promise<void> {
    const { id, walk, facts } = incident;
    switch (walk?.end) {
      case "resolved":
        this.#resolveAfter(incident);
        return;
      case "falseAlarm": {
        this.resolve(id, "Nothing was wrong: a false alarm");
        return;
      }
      case "escalated":
        if (incident.incident !== "service" || this.#parts.clock.now() - (facts.lastDownAt ?? 0) < calmMs)
          return;
        if (await this.#isHealthy(incident)) this.resolve(id, "Healthy again");
        return;
      default:
        return;
    }
  }

  #resolveAfter(incident: Incident): void {
    const at = this.#parts.clock.now();
    const { rto = 0, rtoTarget } = recoveryTimes({ ...incident, resolvedAt: at });
    this.resolve(incident.id, `Resolved after ${rto.toFixed(1)} s (target ${rtoTarget} s)`);
  }

  async #isHealthy({ scope, service }: Incident): Promise<boolean> {
    if (!scope || !this.#parts.store.scopes.get(scope)) return true;
    const { services } = await this.#parts.engine.status(scope);
    const found = services.filter(({ name }) => service === undefined || name === service);
    return found.every(({ state }) => state === "healthy" || state === "stopped" || state === "completed");
  }
}

/** One recovery at a time of what has the same key. */
export function lockOf({ scope }: Pick<Incident, "scope">): string {
  return scope ? scopeKey(scope) : "host";
}

function has(list: readonly { text: string }[], text: string): boolean {
  return list.some((one) => one.text === text);
}
