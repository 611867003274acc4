import { describe, expect, it } from "vitest";
import type {
  DeploymentView,
  JournalEntryView,
  ReleaseView,
  ScopeStatusView,
} from "../../api/contract/models.ts";
import type { DeploymentId, ReleaseId, ReplicaId, Revision } from "../../rollout/ids.ts";
import type { Plan } from "../../rollout/step.ts";
import { renderHealth } from "./health.ts";
import { renderLogLine } from "./logs.ts";
import { renderPlan } from "./plan.ts";
import { renderProblems, summariseProblems } from "./problems.ts";
import { applyEntry, lineOf, liveLines, noProgress } from "./progress.ts";
import { renderReleases } from "./releases.ts";
import { renderRollout } from "./rollout.ts";
import { renderStats } from "./stats.ts";
import { renderReplicas, renderStatus } from "./status.ts";
import { makeStyle, plainStyle } from "./style.ts";
import { renderVerdict } from "./verdict.ts";

const now = 1_800_000_000_000;
const minute = 60_000;
const oldReplica = "harbor-production-api-aaaaaa1111-1" as ReplicaId;
const newReplica = "harbor-production-api-bbbbbb2222-1" as ReplicaId;
const revision = "bbbbbb2222" as Revision;
const scope = { stack: "harbor", environment: "production" };
const deploymentId = "dep_1" as DeploymentId;

const status: ScopeStatusView = {
  scope,
  current: { id: "rel_2" as ReleaseId, number: 2, label: "colours", createdAt: now - 5 * minute },
  warm: [{ id: "rel_1" as ReleaseId, number: 1, until: now + 25 * minute }],
  services: [
    {
      name: "api",
      kind: "web",
      strategy: "blue-green",
      state: "healthy",
      wanted: 1,
      urls: ["http://harbor.localhost:8080/api"],
      replicas: [
        {
          id: newReplica,
          revision: "bbbbbb2222",
          release: 2,
          role: "current",
          state: "running",
          ready: true,
          trafficPercent: 100,
          address: "127.0.0.1:41001",
          startedAt: now - 5 * minute,
          restarts: 0,
        },
        {
          id: oldReplica,
          revision: "aaaaaa1111",
          release: 1,
          role: "warm",
          state: "running",
          ready: true,
          trafficPercent: 0,
          restarts: 0,
        },
      ],
    },
    {
      name: "worker",
      kind: "worker",
      strategy: "singleton",
      state: "crash-looping",
      message: "exited with code 1, five times in a minute",
      wanted: 1,
      urls: [],
      replicas: [],
    },
  ],
};

const deployment: DeploymentView = {
  id: deploymentId,
  scope,
  kind: "deploy",
  state: "succeeded",
  previous: "rel_1" as ReleaseId,
  requestedBy: "admin",
  reason: "",
  createdAt: now - 12_400,
  startedAt: now - 12_400,
  finishedAt: now,
};

describe("problems", () => {
  it("show file, line, column, the line, a caret and the fix (R-016)", () => {
    const text = "services:\n  web:\n    image: nginx\n    prots: [80]\n";
    const problems = [
      {
        severity: "error" as const,
        code: "UNKNOWN_KEY",
        message: "prots is not a key of a service",
        path: "services.web.prots",
        file: "/stack/compose.yaml",
        line: 4,
        column: 5,
        fix: "write ports",
      },
      {
        severity: "warning" as const,
        code: "VERSION_IGNORED",
        message: "version has no effect",
        path: "version",
      },
    ];
    const shown = renderProblems(problems, { "/stack/compose.yaml": text }, plainStyle, (path) =>
      path.slice(7),
    );
    expect(shown).toBe(
      [
        "warning version has no effect [VERSION_IGNORED]",
        "  --> version",
        "",
        "error prots is not a key of a service [UNKNOWN_KEY]",
        "  --> compose.yaml:4:5  services.web.prots",
        "    4 |     prots: [80]",
        "      |     ^",
        "  fix: write ports",
        "",
      ].join("\n"),
    );
    expect(summariseProblems(problems)).toBe("1 error, 1 warning");
  });

  it("keep a long line on one row, with the caret still under the column", () => {
    const text = `${"x".repeat(150)}HERE${"y".repeat(150)}`;
    const problem = {
      severity: "error" as const,
      code: "X",
      message: "m",
      path: "",
      file: "/f",
      line: 1,
      column: 151,
    };
    const [, , row = "", caret = ""] = renderProblems([problem], { "/f": text }, plainStyle).split("\n");
    expect(row.length).toBeLessThanOrEqual(110);
    expect(row.slice(caret.indexOf("^"), caret.indexOf("^") + 4)).toBe("HERE");
  });
});

describe("plan", () => {
  const plan: Plan = {
    steps: [
      { wave: 0, step: { kind: "ensureImage", service: "api" } },
      { wave: 0, step: { kind: "ensureImage", service: "web" } },
      { wave: 1, step: { kind: "startReplica", service: "api", revision, ordinal: 1, replica: newReplica } },
      { wave: 2, step: { kind: "waitReady", service: "api", replica: newReplica, timeoutSeconds: 60 } },
      {
        wave: 3,
        step: {
          kind: "cutOver",
          services: [{ service: "api", targets: [{ replica: newReplica, weight: 100 }] }],
        },
      },
    ],
    notes: [
      { severity: "warning", service: "db", message: "is unreachable for about 3 s while it is replaced" },
    ],
  };

  it("is said in words, wave by wave, after the notes", () => {
    expect(renderPlan(plan, plainStyle)).toBe(
      [
        "! db: is unreachable for about 3 s while it is replaced",
        "",
        " 1. Prepare  side by side",
        "      api: get the image",
        "      web: get the image",
        " 2. Start beside",
        "      api: start replica 1",
        " 3. Prove",
        "      api: wait until ready (at most 1 min)",
        " 4. Cut over",
        "      cut over api",
        "",
        "5 steps in 4 waves",
        "",
      ].join("\n"),
    );
  });

  it("says when there is nothing to do", () => {
    expect(renderPlan({ steps: [], notes: [] }, plainStyle)).toContain("Nothing to do");
  });
});

describe("status, replicas, releases, health", () => {
  it("say once that the runtime did not answer, with its code and what to do", () => {
    const services = status.services.map((service) => ({
      ...service,
      state: "unknown" as const,
      message: "the runtime did not answer within 10 s",
      replicas: [],
    }));
    const unobserved = {
      code: "ENGINE_RUNTIME_SILENT",
      message: "the runtime did not answer within 10 s",
      hint: "See whether the engine answers.",
    };
    const text = renderStatus([{ ...status, services, unobserved }], now, plainStyle);
    expect(text.match(/did not answer within 10 s/g)).toHaveLength(1);
    expect(text).toMatch(/\(ENGINE_RUNTIME_SILENT\)\n {2}See whether the engine answers\.\n/);
    expect(text).toMatch(/web .*unknown/);
  });

  it("status names release, warm window, states and what is wrong", () => {
    expect(renderStatus([status], now, plainStyle)).toMatchInlineSnapshot(`
      "harbor (production)  v2 (colours), made 5 min ago
        v1 is kept warm for a rollback, 25 min left
        SERVICE  KIND    STATE          READY  URL
        api      web     healthy        1/1    http://harbor.localhost:8080/api
        worker   worker  crash-looping  0/1
        ! worker: exited with code 1, five times in a minute
      "
    `);
  });

  it("replicas show role, share and age", () => {
    expect(renderReplicas([status], now, plainStyle)).toMatchInlineSnapshot(`
      "REPLICA                             RELEASE  ROLE     STATE  TRAFFIC  STARTED    RESTARTS  ADDRESS
      harbor-production-api-bbbbbb2222-1  v2       current  ready  100 %    5 min ago  0         127.0.0.1:41001
      harbor-production-api-aaaaaa1111-1  v1       warm     ready  0 %      -          0         -
      "
    `);
  });

  it("releases mark the current one and the warm ones", () => {
    const release = (number: number, changes: Partial<ReleaseView>): ReleaseView => ({
      id: `rel_${number}` as ReleaseId,
      scope,
      number,
      createdAt: now - (4 - number) * 60 * minute,
      label: "",
      configHash: "",
      images: {},
      fileVersions: {},
      current: false,
      ...changes,
    });
    const releases = [
      release(3, { current: true, label: "v1.5.2" }),
      release(2, { warmUntil: now + 5 * minute }),
      release(1, {}),
    ];
    expect(renderReleases(releases, "harbor", now, plainStyle)).toMatchInlineSnapshot(`
      "RELEASE  LABEL   MADE
      v3       v1.5.2  1 h ago  current
      v2       -       2 h ago  warm, 5 min left
      v1       -       3 h ago
      "
    `);
  });

  it("health is one line for each service (R-255)", () => {
    const lines = [
      { scope, service: "api", ok: true, state: "healthy" as const, ready: 1, wanted: 1 },
      { scope, service: "db", ok: false, state: "down" as const, ready: 0, wanted: 1, message: "exited (1)" },
    ];
    const shown = renderHealth(lines, plainStyle).trimEnd().split("\n");
    expect(shown).toHaveLength(3);
    expect(shown[2]).toMatch(/^✗ {2}harbor \(production\) {2}db .* down .* 0\/1 .* exited \(1\)$/);
    expect(renderHealth(lines, makeStyle(true))).toContain("\x1b[31mdown\x1b[39m");
  });

  it("stats show what is known and a dash for the rest (R-252)", () => {
    const samples = [
      {
        replica: newReplica,
        service: "api",
        cpu: 0.123,
        memoryBytes: 50 * 2 ** 20,
        memoryLimitBytes: 2 ** 28,
        pids: 7,
      },
    ];
    expect(renderStats(samples, plainStyle)).toContain(
      "12.3 %  50.0 MiB / 256.0 MiB  19.5 %  -             -",
    );
  });

  it("a log line names service and replica", () => {
    const line = { replica: newReplica, service: "api", stream: "stdout" as const, at: now, text: "hello" };
    expect(renderLogLine(line, 15, false, plainStyle)).toBe("api bbbbbb-1    | hello\n");
    expect(renderLogLine(line, 15, true, plainStyle)).toContain("| 2027-01-15T08:00:00.000Z hello");
  });
});

describe("progress", () => {
  const base = { deployment: deploymentId, at: now };
  const step = { kind: "waitReady" as const, service: "api", replica: newReplica, timeoutSeconds: 60 };
  const started: JournalEntryView = {
    ...base,
    seq: 1,
    event: "stepStarted",
    key: "k",
    step,
    wave: 2,
    total: 9,
    done: 3,
  };
  const output: JournalEntryView = {
    ...base,
    seq: 2,
    event: "output",
    key: "k",
    line: "GET /healthz answered 503",
  };
  const done: JournalEntryView = { ...base, seq: 3, event: "stepDone", key: "k", step, durationMs: 2300 };

  it("shows what runs, since when, and what it said last", () => {
    const progress = [started, output].reduce(applyEntry, noProgress);
    expect(liveLines(progress, now + 4000, 100, plainStyle)).toEqual([
      "● api: wait until ready (at most 1 min)  4 s  GET /healthz answered 503",
      `  ${"━".repeat(8)}${"┄".repeat(16)} 3 of 9 steps`,
    ]);
  });

  it("leaves one line for each finished step", () => {
    expect(lineOf(done, plainStyle)).toBe("✓ api: replica bbbbbb-1 is ready  2.3 s");
    expect(lineOf(output, plainStyle)).toBeUndefined();
    expect(lineOf(output, plainStyle, true)).toBe("  | GET /healthz answered 503");
  });

  it("is not confused by a stream that was taken up again", () => {
    const once = [started, output, done].reduce(applyEntry, noProgress);
    expect([started, output, done].reduce(applyEntry, once)).toEqual(once);
    expect(once).toMatchObject({ done: 4, lastSeq: 3 });
  });
});

describe("verdict", () => {
  it("of a success: release, time, addresses and the way back", () => {
    expect(renderVerdict(deployment, status, plainStyle)).toBe(
      [
        "✓ harbor (production) deployed v2 (colours) in 12.4 s",
        "  http://harbor.localhost:8080/api",
        "  back to the release before: roadstead rollback --stack harbor",
        "",
      ].join("\n"),
    );
  });

  it("of a failure: step, probe with its answer, last lines, and what serves now", () => {
    const failed: DeploymentView = {
      ...deployment,
      state: "failed",
      failure: {
        code: "NOT_READY",
        message: "api did not become ready within 60 s",
        step: { kind: "waitReady", service: "api", replica: newReplica, timeoutSeconds: 60 },
        service: "api",
        probe: { reason: "GET http://127.0.0.1:41001/healthz answered 503", body: '{"error":"no database"}' },
        exitCode: 1,
        lastLines: ["connecting", "Error: ECONNREFUSED", "Error: ECONNREFUSED"],
        hint: "Is DATABASE_URL right?",
      },
    };
    expect(renderVerdict(failed, status, plainStyle)).toMatchInlineSnapshot(`
      "✗ harbor (production): deploy failed in 12.4 s
        at    api: wait until ready (at most 1 min)
        why   api did not become ready within 60 s
        probe GET http://127.0.0.1:41001/healthz answered 503
              | {"error":"no database"}
        exit  1
        last lines of api:
              | connecting
              | Error: ECONNREFUSED  (2 times)
        hint  Is DATABASE_URL right?
        now   v2 (colours) serves
      "
    `);
  });

  it("of an abort that was asked for is no failure", () => {
    const aborted: DeploymentView = { ...deployment, state: "aborted" };
    expect(renderVerdict(aborted, status, plainStyle, ["aborted"])).toContain(
      "✓ harbor (production) deploy aborted",
    );
  });
});

describe("rollout", () => {
  it("shows shares, the canary's verdicts, the running step and how to steer", () => {
    const watch = {
      kind: "watchCanary" as const,
      service: "api",
      revision,
      stepIndex: 0,
      weight: 10,
      forSeconds: 600,
    };
    const base = { deployment: deploymentId, at: now - 30_000, key: "w", step: watch };
    const journal: JournalEntryView[] = [
      { ...base, seq: 1, event: "stepStarted", wave: 0, total: 1, done: 0 },
      {
        ...base,
        seq: 2,
        event: "stepDone",
        durationMs: 1,
        result: { kind: "verdict", verdict: "pass", detail: "0.1 % errors of 1200 requests" },
      },
      {
        ...base,
        key: "w2",
        seq: 3,
        event: "stepStarted",
        step: { ...watch, weight: 50 },
        wave: 0,
        total: 1,
        done: 0,
      },
    ];
    const running: DeploymentView = { ...deployment, state: "running" };
    const shown = renderRollout({ status, deployment: running, journal }, now, plainStyle);
    expect(shown).toContain("harbor (production)  deploy running for 12.4 s");
    expect(shown).toContain("api      current  v2       100 %  ████████████████████  ready");
    expect(shown).toContain("api: watch the canary at 10 % for 10 min: pass, 0.1 % errors of 1200 requests");
    expect(shown).toContain("● api: watch the canary at 50 % for 10 min, since 30 s");
    expect(shown).toContain("roadstead promote harbor · roadstead abort harbor");
  });
});
