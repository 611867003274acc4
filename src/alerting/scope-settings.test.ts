import { describe, expect, it } from "vitest";
import { defaultRules } from "../policy/alert-defaults.ts";
import type { Measure } from "../policy/alert-rule.ts";
import type { ComposeModel } from "../stack/compose-model.ts";
import { alertRuleFields } from "../stack/x-roadstead-alerts.ts";
import { isMetricName } from "../telemetry/metrics.ts";
import { alertSettings } from "./scope-settings.ts";

/** Judged for the whole host, so no stack may change them. */
const hostRules = ["host-cpu", "host-memory", "disk", "disk-full-in", "certificate"];

function metricsOf(measure: Measure): string[] {
  const own = "metric" in measure ? [measure.metric] : [];
  return "of" in measure && measure.of !== undefined ? [...own, measure.of] : own;
}

describe("the settings of alerts", () => {
  it("name the default rules, all that belong to a stack", () => {
    const names = defaultRules.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(alertRuleFields).toSorted()).toEqual(
      names.filter((name) => !hostRules.includes(name)).toSorted(),
    );
  });

  it("have thresholds for exactly the severities that a rule has", () => {
    for (const [name, schema] of Object.entries(alertRuleFields)) {
      const rule = defaultRules.find((one) => one.name === name);
      for (const severity of ["info", "warning", "critical"] as const) {
        const isKnown = rule?.levels.some((level) => level.severity === severity) ?? false;
        const unknown = schema.safeParse({ [severity]: "?" }).error?.issues[0]?.code === "unrecognized_keys";
        expect(unknown, `${name} ${severity}`).toBe(!isKnown);
      }
    }
  });

  it("judge only metrics that exist", () => {
    for (const { measure } of defaultRules)
      for (const metric of metricsOf(measure)) expect(isMetricName(metric), metric).toBe(true);
  });

  it("come out as rules take them, for their environment", () => {
    const model = {
      name: "shop",
      services: {},
      networks: {},
      volumes: {},
      secrets: {},
      configs: {},
      "x-roadstead": {
        alerts: {
          rules: { memory: { warning: "90%", for: "1m" } },
          own: { queue: { metric: "database.slow_queries", take: "increase", window: "1m", warning: 5 } },
          maintenance: [{ days: ["sun"], from: "02:00", to: "04:00" }],
        },
      },
    } as unknown as ComposeModel;
    expect(alertSettings(model, "production")).toMatchObject({
      rules: { memory: { warning: 0.9, forSeconds: 60 } },
      own: { queue: { windowSeconds: 60, warning: 5 } },
      maintenance: [{ from: 120 }],
    });
    expect(alertSettings(model, "staging")?.maintenance).toEqual([]);
    expect(
      alertSettings({ ...model, "x-roadstead": {} } as unknown as ComposeModel, "production"),
    ).toBeUndefined();
  });
});
