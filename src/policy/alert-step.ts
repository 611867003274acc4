import {
  type AlertLevel,
  type AlertRule,
  type AlertSeverity,
  type AlertSubject,
  alertKey,
  isBeyond,
  isCalm,
  type Reading,
  rankOf,
} from "./alert-rule.ts";
import { alertMessage } from "./alert-text.ts";

/** What is remembered of one rule about one subject between two looks; nothing at all while it is well. */
export type AlertState = {
  key: string;
  rule: string;
  subject: AlertSubject;
  /** Since when each level is beyond its threshold. */
  beyond: Readonly<Partial<Record<AlertSeverity, number>>>;
  /** Levels that hold, and since when each is calm again. */
  held: Readonly<Partial<Record<AlertSeverity, { calmSince?: number }>>>;
  /** The gravest level that holds; absent: nothing is told. */
  severity?: AlertSeverity;
  firedAt?: number;
  message: string;
  detail?: string;
  value: number;
  /** Since when there is no reading. */
  unknownSince?: number;
  /** When it fired within the last hour: a third time, and it is held until it is quiet for longer. */
  firings: readonly number[];
};

export type AlertChange = {
  kind: "fired" | "raised" | "lowered" | "resolved";
  state: AlertState;
  severity: AlertSeverity;
};

const flapWindowMs = 3600_000;
const flapLimit = 3;
const flapClearSeconds = 900;
/** Without a value for so long an alert is over: its subject is gone, or nobody asks it any more. */
const unknownLimitMs = 600_000;

/** Fired so often of late that it now has to stay calm for longer. */
export function isFlapping(state: Pick<AlertState, "firings">, now: number): boolean {
  return state.firings.filter((at) => at > now - flapWindowMs).length >= flapLimit;
}

/** One look at one subject: pending until it was beyond for long enough, held until it was calm for long enough. */
export function stepAlert(
  before: AlertState | undefined,
  reading: Reading | undefined,
  rule: AlertRule,
  now: number,
): { state?: AlertState; change?: AlertChange } {
  const known = reading ? advance(before, reading, rule, now) : fade(before, rule, now);
  if (!known) return {};
  const severity = gravest(known.held);
  const state = withSeverity(known, severity, now);
  const change = changeOf(before?.severity, severity, state);
  const isIdle = severity === undefined && Object.keys(state.beyond).length === 0;
  const remembers = state.firings.some((at) => at > now - flapWindowMs);
  return { ...(isIdle && !remembers ? {} : { state }), ...(change ? { change } : {}) };
}

function advance(
  before: AlertState | undefined,
  reading: Reading,
  rule: AlertRule,
  now: number,
): AlertState | undefined {
  const beyond: Partial<Record<AlertSeverity, number>> = {};
  const held: Partial<Record<AlertSeverity, { calmSince?: number }>> = {};
  const clearSeconds =
    before && isFlapping(before, now) ? Math.max(flapClearSeconds, rule.clearSeconds) : rule.clearSeconds;
  for (const level of rule.levels) {
    const { severity } = level;
    const isBad = isBeyond(rule, level, reading.value);
    const since = before?.beyond[severity] ?? now;
    if (isBad) beyond[severity] = since;
    const hold = before?.held[severity];
    if (hold) {
      if (!isCalm(rule, level, reading.value)) held[severity] = {};
      else if (now - (hold.calmSince ?? now) < clearSeconds * 1000)
        held[severity] = { calmSince: hold.calmSince ?? now };
    } else if (isBad && now - since >= level.forSeconds * 1000) held[severity] = {};
  }
  if (!before && Object.keys(beyond).length === 0) return undefined;
  const level = levelFor(rule, held, reading.value);
  return {
    key: alertKey(rule.name, reading.subject),
    rule: rule.name,
    subject: reading.subject,
    beyond,
    held,
    value: reading.value,
    message: level ? alertMessage(rule, level, reading) : rule.title,
    ...(reading.detail === undefined ? {} : { detail: reading.detail }),
    ...(before?.severity === undefined ? {} : { severity: before.severity }),
    ...(before?.firedAt === undefined ? {} : { firedAt: before.firedAt }),
    firings: before?.firings ?? [],
  };
}

/** No value: what is pending begins anew, what holds goes on for a while. A fact that is not told is over at once. */
function fade(before: AlertState | undefined, rule: AlertRule, now: number): AlertState | undefined {
  if (!before) return undefined;
  const unknownSince = before.unknownSince ?? now;
  const isOver = rule.measure.kind === "fact" || now - unknownSince >= unknownLimitMs;
  return { ...before, beyond: {}, unknownSince, held: isOver ? {} : before.held };
}

/** The level whose threshold the message names: the gravest that holds, else the mildest that is beyond. */
function levelFor(rule: AlertRule, held: AlertState["held"], value: number): AlertLevel | undefined {
  const severity = gravest(held);
  return (
    rule.levels.find((level) => level.severity === severity) ??
    rule.levels.find((level) => isBeyond(rule, level, value)) ??
    rule.levels[0]
  );
}

function gravest(held: AlertState["held"]): AlertSeverity | undefined {
  const severities = Object.keys(held) as AlertSeverity[];
  return severities.sort((a, b) => rankOf(b) - rankOf(a))[0];
}

function withSeverity(state: AlertState, severity: AlertSeverity | undefined, now: number): AlertState {
  const { severity: was, firedAt, ...rest } = state;
  const firings = rest.firings.filter((at) => at > now - flapWindowMs);
  if (severity === undefined) return { ...rest, firings };
  if (was !== undefined) return { ...rest, firings, severity, firedAt: firedAt ?? now };
  return { ...rest, severity, firedAt: now, firings: [...firings, now].slice(-10) };
}

function changeOf(
  was: AlertSeverity | undefined,
  is: AlertSeverity | undefined,
  state: AlertState,
): AlertChange | undefined {
  if (was === is) return undefined;
  if (was === undefined && is !== undefined) return { kind: "fired", state, severity: is };
  if (is === undefined && was !== undefined) return { kind: "resolved", state, severity: was };
  return is === undefined
    ? undefined
    : { kind: rankOf(is) > rankOf(was) ? "raised" : "lowered", state, severity: is };
}
