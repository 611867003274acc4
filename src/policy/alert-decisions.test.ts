import { describe, expect, it } from "vitest";
import { defaultRules } from "./alert-defaults.ts";
import { calledFor, defaultEscalation, type Escalatable, escalate } from "./alert-escalation.ts";
import { type Contact, coveredHours, isOnCall, uncoveredHours } from "./alert-oncall.ts";
import { quietedBy, type Silence } from "./alert-quiet.ts";
import { outboxLimitMs, retryAt, wants } from "./alert-routing.ts";
import type { AlertRule, Reading } from "./alert-rule.ts";
import { ownRules, ruleWith } from "./alert-settings.ts";
import { type AlertState, stepAlert } from "./alert-step.ts";
import { alertMessage } from "./alert-text.ts";

const minute = 60_000;
const ruleNamed = (name: string): AlertRule => {
  const rule = defaultRules.find((one) => one.name === name);
  if (!rule) throw new Error(`no rule ${name}`);
  return rule;
};
const memory = ruleNamed("memory");
const subject = { scope: "shop/production", service: "api" };

/** Looks at a row of values, one a minute; what was told at which minute. */
function look(
  values: readonly (number | undefined)[],
  rule: AlertRule = memory,
): { told: string[]; state?: AlertState } {
  let state: AlertState | undefined;
  const told: string[] = [];
  for (const [index, value] of values.entries()) {
    const reading: Reading | undefined = value === undefined ? undefined : { subject, value };
    const step = stepAlert(state, reading, rule, index * minute);
    state = step.state;
    if (step.change) told.push(`${index} ${step.change.kind} ${step.change.severity}`);
  }
  return { told, ...(state ? { state } : {}) };
}
const times = (count: number, value: number) => Array.from({ length: count }, () => value);

describe("an alert", () => {
  it("fires after its duration, not at the threshold itself, and ends below the clear value (R-193)", () => {
    expect(look(times(20, 0.8)).told).toEqual([]);
    expect(look([...times(7, 0.85), ...times(10, 0.78), ...times(8, 0.74)]).told).toEqual([
      "5 fired warning",
      "20 resolved warning",
    ]);
  });

  it("is one alert when it gets graver, and leaves nothing behind when it is over", () => {
    expect(look([...times(7, 0.85), ...times(5, 0.97), ...times(5, 0.85), ...times(5, 0.5)]).told).toEqual([
      "5 fired warning",
      "9 raised critical",
      "15 lowered warning",
      "20 resolved warning",
    ]);
    expect(look(times(3, 0.1)).state).toBeUndefined();
  });

  it("waits anew after a value that was fine", () => {
    expect(look([...times(4, 0.9), 0.5, ...times(4, 0.9)]).told).toEqual([]);
  });

  it("lives through a gap in the measurements, and ends when there is nothing to measure", () => {
    expect(look([...times(7, 0.85), undefined, undefined, ...times(3, 0.85)]).told).toEqual([
      "5 fired warning",
    ]);
    expect(look([...times(7, 0.85), ...Array.from({ length: 12 }, () => undefined)]).told).toEqual([
      "5 fired warning",
      "17 resolved warning",
    ]);
  });

  it("that flaps is told three times, then held until it is quiet (R-192)", () => {
    const once = [...times(6, 0.85), ...times(4, 0.5)];
    const { told } = look([...once, ...once, ...once, ...once, ...once, ...times(20, 0.5)]);
    expect(told.filter((line) => line.includes("fired"))).toHaveLength(3);
    expect(told.filter((line) => line.includes("resolved"))).toHaveLength(3);
  });

  it.each([
    [0.0099, undefined],
    [0.01, "warning"],
    [0.05, "warning"],
    [0.0501, "critical"],
  ])("of the error rate: %s is %s (R-195)", (value, severity) => {
    expect(look(times(10, value), ruleNamed("error-rate")).state?.severity).toBe(severity);
  });

  it.each([
    [499, undefined],
    [500, "warning"],
    [999, "warning"],
    [1000, "critical"],
  ])("of the 95th percentile: %s ms is %s (R-195)", (value, severity) => {
    expect(look(times(10, value), ruleNamed("latency")).state?.severity).toBe(severity);
  });

  it.each([
    [24, undefined],
    [24.5, "warning"],
    [48.5, "critical"],
  ])("of a backup %s hours old is %s (R-144)", (value, severity) => {
    expect(look([value, value], ruleNamed("backup-overdue")).state?.severity).toBe(severity);
  });
});

describe("settings of a stack", () => {
  it("move one threshold with its clear value, or switch a rule off (R-190)", () => {
    const rule = ruleWith(memory, { warning: 0.4 });
    expect(rule?.levels.map(({ at, clear }) => [at, Number(clear.toFixed(3))])).toEqual([
      [0.4, 0.375],
      [0.95, 0.9],
    ]);
    expect(ruleWith(memory, { enabled: false })).toBeUndefined();
  });

  it("make rules of their own over any metric", () => {
    const [rule] = ownRules({
      cache: { metric: "database.cache_hit", below: true, warning: 0.9, forSeconds: 0 },
    });
    expect(rule).toMatchObject({ side: "below", unit: "share", incident: "database" });
    const { state } = look([0.85], rule);
    expect(state?.message).toBe("cache (85% < 90%)");
  });

  it("write every unit for people", () => {
    const [level] = memory.levels;
    if (!level) throw new Error("no level");
    expect(alertMessage(memory, level, { subject, value: 0.85 })).toBe("High Memory Usage (85% > 80%)");
  });
});

describe("silences and windows", () => {
  const silence: Silence = {
    id: "s",
    stack: "shop",
    service: "api",
    until: 1000,
    reason: "load test",
    by: "ada",
    at: 0,
  };
  const quiet = (now: number, changes: Partial<Silence> = {}) =>
    quietedBy({ rule: "memory", subject }, { silences: [{ ...silence, ...changes }], windows: [] }, now);

  it("hold until their end, for what they name (R-197)", () => {
    expect(quiet(999)?.why).toBe("silenced by ada: load test");
    expect(quiet(1000)).toBeUndefined();
    expect(quiet(0, { service: "web" })).toBeUndefined();
    expect(quiet(0, { environment: "staging" })).toBeUndefined();
    expect(quiet(0, { rule: "latency" })).toBeUndefined();
  });

  it("a maintenance window is quiet while it is open, and only then", () => {
    // 1 January 1970 was a Thursday.
    const windows = [{ days: [4], from: 60, to: 120 }];
    const at = (hours: number) =>
      quietedBy({ rule: "memory", subject }, { silences: [], windows }, hours * 60 * minute);
    expect(at(1.5)?.why).toBe("maintenance window");
    expect(at(2.5)).toBeUndefined();
    expect(quietedBy({ rule: "memory", subject }, { silences: [], windows: [] }, 0)).toBeUndefined();
  });
});

const lead: Contact = {
  name: "Ada",
  role: "DevOps lead",
  channel: "ada",
  timeZone: "Europe/Berlin",
  hours: [{ days: [1, 2, 3, 4, 5], from: 9 * 60, to: 17 * 60 }],
};
const database: Contact = { name: "Bob", role: "Database admin", channel: "bob" };
const others = ["CTO", "Infrastructure team", "CEO", "Security team", "Legal"].map(
  (role): Contact => ({ name: role, role, channel: role.toLowerCase() }),
);
const saturday = Date.UTC(2026, 6, 4, 3);
const monday = Date.UTC(2026, 6, 6, 10);

describe("on-call hours", () => {
  it("are those of the contact's own time zone (R-211)", () => {
    expect(isOnCall(lead, monday)).toBe(true);
    expect(isOnCall(lead, Date.UTC(2026, 6, 6, 7, 30)), "09:30 in Berlin").toBe(true);
    expect(isOnCall(lead, Date.UTC(2026, 6, 6, 15, 30)), "17:30 in Berlin").toBe(false);
    expect(isOnCall(lead, saturday)).toBe(false);
  });

  it("may reach into the next day", () => {
    const night: Contact = { ...database, hours: [{ days: [5], from: 22 * 60, to: 6 * 60 }] };
    expect(isOnCall(night, saturday)).toBe(true);
    expect(isOnCall(night, Date.UTC(2026, 6, 4, 6))).toBe(false);
  });

  it("of the lead cover 40 of 168 hours; the rest is reported (R-211)", () => {
    expect(coveredHours(lead)).toBe(40);
    const gaps = uncoveredHours([lead]);
    expect(gaps.reduce((sum, { from, to }) => sum + (to - from) / 3600_000, 0)).toBe(128);
    expect(uncoveredHours([lead, database])).toEqual([]);
  });
});

describe("escalation", () => {
  const table = defaultEscalation;
  const contacts = [lead, database, ...others];

  it.each([
    ["service", ["DevOps lead"]],
    ["database", ["Database admin", "CTO"]],
    ["server", ["Infrastructure team", "CEO"]],
    ["security", ["Security team", "Legal"]],
  ] as const)("of a %s incident calls %s at once (R-209)", (incident, roles) => {
    expect(calledFor(incident, { table, contacts }, monday).contacts.map(({ role }) => role)).toEqual(roles);
  });

  it("falls to somebody around the clock outside the hours, and names gaps (R-211)", () => {
    expect(calledFor("service", { table, contacts }, saturday).contacts).toEqual([database]);
    expect(calledFor("service", { table, contacts: [lead] }, saturday)).toEqual({
      contacts: [],
      gaps: ["DevOps lead"],
    });
  });

  it("repeats until somebody acknowledges, and ends (R-209)", () => {
    const alert: Escalatable = {
      severity: "critical",
      incident: "service",
      firedAt: monday,
      acknowledged: false,
      rounds: 0,
    };
    expect(escalate(alert, table, contacts, monday)?.round).toBe(1);
    const called = { ...alert, rounds: 1, calledAt: monday };
    expect(escalate(called, table, contacts, monday + 899_000)).toBeUndefined();
    expect(escalate(called, table, contacts, monday + 900_000)?.round).toBe(2);
    expect(escalate({ ...called, acknowledged: true }, table, contacts, monday + 900_000)).toBeUndefined();
    expect(escalate({ ...called, rounds: 8 }, table, contacts, monday + 900_000)).toBeUndefined();
    expect(escalate({ ...alert, severity: "warning" }, table, contacts, monday)).toBeUndefined();
  });
});

describe("routing", () => {
  const scope = { stack: "shop", environment: "production" };
  it("goes by severity, stack and kind (R-197)", () => {
    const news = { kind: "alert", severity: "warning", scope } as const;
    expect(wants({ severity: "warning" }, news)).toBe(true);
    expect(wants({ severity: "critical" }, news)).toBe(false);
    expect(wants({ severity: "info", stacks: ["chat"] }, news)).toBe(false);
    expect(wants({ severity: "info", kinds: ["deployment"] }, news)).toBe(false);
    expect(wants({ severity: "info", stacks: ["chat"] }, { kind: "alert", severity: "critical" })).toBe(true);
  });

  it("tries again later and later, respects Retry-After, and gives up after a day", () => {
    expect(retryAt({ attempts: 1, createdAt: 0 }, 0)).toBe(10_000);
    expect(retryAt({ attempts: 1, createdAt: 0 }, 0, 120)).toBe(120_000);
    expect(retryAt({ attempts: 50, createdAt: 0 }, 0)).toBe(3600_000);
    expect(retryAt({ attempts: 50, createdAt: 0 }, outboxLimitMs)).toBeUndefined();
  });
});
