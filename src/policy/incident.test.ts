import { describe, expect, it } from "vitest";
import { rootCauses } from "./incident-cause.ts";
import { incidentMessage, incidentSubject, postMortem } from "./incident-message.ts";
import {
  checklistItems,
  type Incident,
  incidentFor,
  openIncident,
  openWork,
  recoveryTimes,
  resolveIncident,
  withEntry,
} from "./incident-record.ts";

const at = (time: string) => Date.parse(`2025-11-27T${time}:00Z`);
const scope = { stack: "chat", environment: "production" };

function opened(changes: Partial<Incident> = {}): Incident {
  const incident = openIncident({
    id: "inc_1",
    incident: "service",
    scope,
    service: "chat-backend",
    impact: "API requests failing (100% error rate)",
    affected: "~500 active users",
    openedBy: "roadstead",
    startedAt: at("12:34"),
    detectedAt: at("12:34"),
    entry: { kind: "alert", text: "Alert triggered (health check fail)" },
  });
  return { ...incident, ...changes };
}

function recorded(): Incident {
  const by = "roadstead";
  const story = [
    { at: at("12:35"), kind: "action" as const, text: "Container restarted", by },
    { at: at("12:36"), kind: "probe" as const, text: "Health check passing", by },
    { at: at("12:38"), kind: "verified" as const, text: "Verified all API endpoints working", by },
  ].reduce(withEntry, opened());
  return {
    ...resolveIncident(story, at("12:38")),
    rootCause: "OOM killer terminated process (memory leak)",
    actionItems: [
      { text: "Increase memory limit to 1GB (from 512MB)" },
      { text: "Add memory monitoring alert" },
      { text: "Investigate memory leak in code" },
    ],
  };
}

describe("messages of an incident", () => {
  it("are the template filled in, field by field (R-212)", () => {
    expect(incidentMessage(recorded())).toBe(`Subject: [INCIDENT] Service Downtime - chat-backend

Status: RESOLVED
Impact: API requests failing (100% error rate)
Affected Users: ~500 active users
Started: 2025-11-27 12:34 UTC
Resolved: 2025-11-27 12:38 UTC (4 min)
RTO: 2 minutes

Timeline:
- 12:34 UTC: Alert triggered (health check fail)
- 12:35 UTC: Container restarted
- 12:36 UTC: Health check passing
- 12:38 UTC: Verified all API endpoints working

Root Cause: OOM killer terminated process (memory leak)

Action Items:
1. Increase memory limit to 1GB (from 512MB)
2. Add memory monitoring alert
3. Investigate memory leak in code
`);
  });

  it("say INVESTIGATING, and only what is known, while it lasts (R-212)", () => {
    const text = incidentMessage(opened());
    expect(text).toContain("Status: INVESTIGATING\n");
    expect(text).toContain("Resolved: not yet\n");
    expect(text).toContain("Root Cause: not known yet\n");
  });

  it("of a drill say so in the subject (R-214)", () => {
    expect(incidentSubject(opened({ drill: "drl_1" }))).toBe("[DRILL] Service Downtime - chat-backend");
  });

  it("become a post-mortem in Markdown that no text can break (R-208)", () => {
    const text = postMortem({ ...recorded(), impact: "a | b\n# c" });
    expect(text).toContain("| Impact | a \\| b # c |");
    expect(text).toContain("| RTO | 4 min (target 2 min) |");
    expect(text).toContain("| Within target | no |");
    expect(text).toContain("- [x] Document timeline in incident log");
    expect(text).toContain("- [ ] Update runbooks");
  });
});

describe("closing", () => {
  it("is refused with what is open, and possible when all six are ticked (R-208)", () => {
    expect(openWork(opened())).toEqual([
      "it is not resolved",
      "stakeholders: Notify stakeholders of resolution",
      "postMortem: Schedule post-mortem meeting",
      "rootCause: Identify root cause",
      "preventive: Implement preventive measures",
      "runbooks: Update runbooks",
    ]);
    const tick = { by: "ada", at: 1 };
    const checklist = Object.fromEntries(checklistItems.map((item) => [item, tick]));
    expect(openWork({ ...recorded(), checklist })).toEqual([]);
    const { rootCause: _none, ...without } = recorded();
    expect(openWork({ ...without, checklist })).toEqual(["rootCause: it is ticked, but not written down"]);
  });
});

describe("one trouble is one incident", () => {
  const options = { now: at("12:40"), relapseMs: 600_000 };

  it.each([
    ["the same service", {}, true],
    ["another service", { service: "web" }, false],
    ["another environment", { scope: { ...scope, environment: "staging" } }, false],
    ["the stack as a whole", { service: undefined }, true],
    ["another kind", { incident: "database" as const }, false],
  ])("%s", (_name, changes, same) => {
    const { service, ...about } = {
      incident: "service" as const,
      scope,
      service: "chat-backend",
      ...changes,
    };
    const found = incidentFor(
      [opened()],
      { ...about, ...(service === undefined ? {} : { service }) },
      options,
    );
    expect(found !== undefined).toBe(same);
  });

  it("a report by hand, then the alert (R-215)", () => {
    const { service: _any, ...manual } = opened({ reporter: "a customer", openedBy: "ada" });
    expect(incidentFor([manual], { incident: "service", scope, service: "web" }, options)?.id).toBe("inc_1");
  });

  it("a service that dies because its database is being restored belongs to that", () => {
    const database = opened({ incident: "database", service: "db" });
    expect(incidentFor([database], { incident: "service", scope, service: "web" }, options)?.id).toBe(
      "inc_1",
    );
  });

  it("again within minutes is the same one, much later a new one (R-167)", () => {
    const about = { incident: "service" as const, scope, service: "chat-backend" };
    expect(incidentFor([recorded()], about, options)?.id).toBe("inc_1");
    expect(incidentFor([recorded()], about, { ...options, now: at("13:40") })).toBeUndefined();
  });
});

describe("figures", () => {
  it("RTO counts from the failure, not from when it was noticed (R-203)", () => {
    const times = recoveryTimes({ ...recorded(), startedAt: at("12:37"), detectedAt: at("12:38") });
    expect(times).toEqual({ rtoTarget: 120, rto: 60, met: true });
  });

  it("where it failed again, the time in between does not count", () => {
    const facts = { downBefore: 4, outageAt: at("12:50") };
    const times = recoveryTimes({ ...recorded(), facts, resolvedAt: at("12:51") });
    expect(times).toEqual({ rtoTarget: 120, rto: 64, met: true });
  });

  it("a restored backup that is too old is a miss, however fast it was (R-204)", () => {
    const incident = { ...recorded(), incident: "database" as const, rpoSeconds: 90_000 };
    expect(recoveryTimes(incident)).toMatchObject({ rto: 240, rpo: 90_000, rpoTarget: 86_400, met: false });
  });
});

describe("root causes", () => {
  it("names a kill for lack of memory, with the higher limit (R-213)", () => {
    const [first] = rootCauses({ at: 0, oomKilled: true, exitCode: 137, memoryLimitBytes: 512 * 1024 ** 2 });
    expect(first).toEqual({
      text: "OOM killer terminated process",
      likelihood: "likely",
      proposals: [
        "Increase memory limit to 1GB (from 512MB)",
        "Add memory monitoring alert",
        "Investigate memory leak in code",
      ],
    });
  });

  it.each([
    ["exit code", { at: 0, exitCode: 1 }, "Process ended with exit code 1"],
    [
      "signal",
      { at: 0, exitCode: 139 },
      "Process ended with exit code 139 (SIGSEGV: it touched memory that is not its own)",
    ],
    ["disk", { at: 0, disk: { mount: "/", share: 0.99 } }, "Disk full: / is at 99%"],
    [
      "last deploy",
      { at: 600_000, deployment: { kind: "deploy", release: "v7", at: 300_000, by: "ada" } },
      "Last change: deploy of v7 by ada at 00:05 UTC",
    ],
    [
      "silence",
      { at: 0, probe: "GET /health timed out" },
      "It ran but did not answer: GET /health timed out",
    ],
  ])("%s", (_name, facts, text) => {
    expect(rootCauses(facts).map((cause) => cause.text)).toEqual([text]);
  });

  it("an old deployment is no candidate", () => {
    expect(rootCauses({ at: 9e6, deployment: { kind: "deploy", at: 0, by: "ada" } })).toEqual([]);
  });
});
