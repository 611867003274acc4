import { describe, expect, it } from "vitest";
import { dayStart, dayTicks, type Fault, faults, RecordedDay, tickMs } from "./alert-day-support.ts";
import { defaultRules } from "./alert-defaults.ts";
import { readingsOf } from "./alert-measure.ts";
import { type AlertRule, type AlertSeverity, alertKey, rankOf } from "./alert-rule.ts";
import { type AlertState, stepAlert } from "./alert-step.ts";

const day = new RecordedDay();
/** An alert of the day: from firing to its end, at its gravest. */
type Told = {
  rule: string;
  service?: string;
  severity: AlertSeverity;
  from: number;
  to: number;
  message: string;
};

/** Replays the day under some rules, one look every 30 seconds. */
function replay(rules: readonly AlertRule[]): Told[] {
  const states = new Map<string, AlertState>();
  const open = new Map<string, Told>();
  const told: Told[] = [];
  for (let tick = 3; tick <= dayTicks; tick += 3) {
    const now = dayStart + tick * tickMs;
    const world = { ask: day.ask(tick), facts: day.facts(tick), now };
    for (const rule of rules) {
      if (((now - dayStart) / 1000) % (rule.everySeconds ?? 30) !== 0) continue;
      const readings = new Map(
        readingsOf(rule.measure, world).map((one) => [alertKey(rule.name, one.subject), one]),
      );
      const keys = new Set([
        ...readings.keys(),
        ...[...states.keys()].filter((key) => states.get(key)?.rule === rule.name),
      ]);
      for (const key of keys) {
        const { state, change } = stepAlert(states.get(key), readings.get(key), rule, now);
        if (state) states.set(key, state);
        else states.delete(key);
        if (!change) continue;
        const { service } = change.state.subject;
        const known = open.get(key);
        if (change.kind === "resolved") {
          if (known) known.to = tick;
          open.delete(key);
        } else if (known) {
          if (rankOf(change.severity) > rankOf(known.severity)) known.severity = change.severity;
        } else {
          const one: Told = {
            rule: rule.name,
            ...(service === undefined ? {} : { service }),
            severity: change.severity,
            from: tick,
            to: dayTicks,
            message: change.state.message,
          };
          open.set(key, one);
          told.push(one);
        }
      }
    }
  }
  return told;
}

const lateTicks = 45 * 6;
const isOf = (fault: Fault, told: Told) =>
  told.rule === fault.rule &&
  (fault.service === undefined || told.service === fault.service) &&
  told.from >= fault.from &&
  told.from <= Math.min(fault.to, fault.from + lateTicks) + 6 &&
  told.severity === fault.severity;

const found = (told: readonly Told[]) => faults.filter((fault) => told.some((one) => isOf(fault, one)));
const falseOnes = (told: readonly Told[]) => told.filter((one) => !faults.some((fault) => isOf(fault, one)));

describe("a recorded day with 20 planted faults", () => {
  const told = replay(defaultRules);

  it("finds all 20, each once, and nothing else (R-193, R-195, R-197, R-200)", () => {
    expect(faults).toHaveLength(20);
    expect(faults.filter((fault) => !found(told).includes(fault)).map(({ what }) => what)).toEqual([]);
    expect(falseOnes(told)).toEqual([]);
    expect(told).toHaveLength(20);
  });

  it("ends each within 20 minutes of its fault, none before", () => {
    for (const one of told) {
      const fault = faults.find((candidate) => isOf(candidate, one));
      expect(one.to, one.rule).toBeGreaterThanOrEqual(fault?.to ?? Number.NaN);
      expect(one.to - (fault?.to ?? 0), one.rule).toBeLessThanOrEqual(20 * 6);
    }
  });

  it("says value and threshold (R-181)", () => {
    const messages = Object.fromEntries(told.map(({ rule, message }) => [rule, message]));
    expect(messages["memory"]).toMatch(/^High Memory Usage \(8\d% > 80%\)$/);
    expect(messages["service-down"]).toBe("Service Down (0 of 2 ready)");
    expect(messages["latency"]).toMatch(/^High Response Time \(\d{3}ms ≥ 500ms\)$/);
    expect(messages["certificate"]).toBe("Certificate Expires (14 days < 14 days)");
  });

  it.each(defaultRules.map((rule) => [rule.name, rule] as const))(
    "misses something when %s is loosened",
    (name, rule) => {
      const away = (at: number) => (rule.side === "below" ? -1 : at * 3 + 0.5);
      const loose = { ...rule, levels: rule.levels.map((level) => ({ ...level, at: away(level.at) })) };
      const planted = faults.filter((fault) => fault.rule === name);
      expect(planted.length).toBeGreaterThan(0);
      expect(found(replay([loose])).length).toBeLessThan(planted.length);
    },
  );

  it.each(
    defaultRules
      .filter(({ levels }) => levels.some(({ forSeconds }) => forSeconds > 0))
      .map((rule) => [rule.name, rule] as const),
  )("alerts falsely, or at another severity, when %s does not wait", (_name, rule) => {
    const hasty = { ...rule, levels: rule.levels.map((level) => ({ ...level, forSeconds: 0 })) };
    expect(falseOnes(replay([hasty]))).not.toEqual([]);
  });
});
