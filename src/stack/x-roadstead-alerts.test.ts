import { describe, expect, it } from "vitest";
import type { ComposeModel } from "./compose-model.ts";
import { readSettings } from "./x-roadstead.ts";

function read(alerts: unknown) {
  const model = {
    name: "shop",
    services: {},
    networks: {},
    volumes: {},
    secrets: {},
    configs: {},
    "x-roadstead": { alerts },
  } as unknown as ComposeModel;
  const { stack, problems } = readSettings(model, "production", (path) => ({
    file: "compose.yaml",
    line: path.length,
  }));
  return { alerts: stack.alerts, problems };
}

describe("x-roadstead.alerts", () => {
  it("reads each threshold in the unit of its rule (R-190, R-193 to R-195)", () => {
    const { alerts, problems } = read({
      rules: {
        memory: { warning: "90%", critical: 0.97, for: "10m", services: ["api"] },
        latency: { warning: "250ms", critical: "2s" },
        "backup-overdue": { warning: "36h" },
        "slow-queries": false,
      },
      own: { sockets: { metric: "database.connections", warning: 80, critical: "90", for: "2m" } },
      maintenance: [{ days: ["sun"], from: "02:00", to: "04:00" }],
    });
    expect(problems).toEqual([]);
    expect(alerts?.rules).toEqual({
      memory: { warning: 0.9, critical: 0.97, for: 600, services: ["api"] },
      latency: { warning: 250, critical: 2000 },
      "backup-overdue": { warning: 36 },
      "slow-queries": { enabled: false },
    });
    expect(alerts?.own?.["sockets"]).toMatchObject({ warning: 80, critical: 90, for: 120 });
    expect(alerts?.maintenance).toMatchObject([{ days: [0], from: 120, to: 240 }]);
  });

  it.each([
    [{ rules: { memry: false } }, "UNKNOWN_KEY", "x-roadstead.alerts.rules.memry"],
    [{ rules: { memory: { warnin: "90%" } } }, "UNKNOWN_KEY", "x-roadstead.alerts.rules.memory.warnin"],
    [{ rules: { memory: { warning: 90 } } }, "INVALID_SETTING", "x-roadstead.alerts.rules.memory.warning"],
    [
      { rules: { latency: { warning: "90%" } } },
      "INVALID_SETTING",
      "x-roadstead.alerts.rules.latency.warning",
    ],
    [{ rules: { memory: { info: "1%" } } }, "UNKNOWN_KEY", "x-roadstead.alerts.rules.memory.info"],
    [{ own: { x: { warning: 1 } } }, "INVALID_SETTING", "x-roadstead.alerts.own.x.metric"],
    [{ own: { x: { metric: "cpu", warning: 1 } } }, "INVALID_SETTING", "x-roadstead.alerts.own.x.metric"],
    [
      { maintenance: [{ days: ["sun"], from: "2" }] },
      "INVALID_SETTING",
      "x-roadstead.alerts.maintenance[0].from",
    ],
  ])("says where %j is wrong", (alerts, code, path) => {
    const { problems } = read(alerts);
    expect(problems.map((problem) => [problem.code, problem.path])).toContainEqual([code, path]);
    expect(problems[0]).toMatchObject({ file: "compose.yaml", line: expect.any(Number) });
  });
});
