import { describe, expect, it } from "vitest";
import { incidentClasses } from "./alert-rule.ts";
import { type RecoveryNode, recoveryTree } from "./recovery-tree.ts";
import { beginWalk, countBegun, relapse, type StepOutcome, stepWalk, type Walk } from "./recovery-walk.ts";

const branches = incidentClasses.map((name) => [name, recoveryTree[name]] as const);

function targetsOf(node: RecoveryNode): string[] {
  if (node.kind === "end") return [];
  return node.kind === "question" ? [node.yes, node.no] : [node.next, node.failed];
}

const yes: StepOutcome = { kind: "answer", yes: true, detail: "" };
const no: StepOutcome = { kind: "answer", yes: false, detail: "" };
const done: StepOutcome = { kind: "done", detail: "" };
const failed: StepOutcome = { kind: "failed", detail: "" };

/** Answers by node id; what is not named goes well. */
function take(branch: keyof typeof recoveryTree, answers: Readonly<Record<string, StepOutcome[]>>) {
  let walk: Walk = beginWalk(recoveryTree[branch], 0);
  const left = new Map(Object.entries(answers).map(([id, list]) => [id, [...list]]));
  const path: string[] = [];
  while (walk.end === undefined) {
    const node = recoveryTree[branch].nodes.find(({ id }) => id === walk.node);
    path.push(walk.node);
    if (node?.kind === "action") walk = countBegun(walk);
    const next = left.get(walk.node)?.shift() ?? (node?.kind === "question" ? yes : done);
    walk = stepWalk(walk, next, 1);
  }
  return { path, end: walk.end, walk };
}

describe("the recovery tree", () => {
  it.each(branches)(
    "%s: every answer leads somewhere, and everything is reached (R-206)",
    (_name, branch) => {
      const ids = branch.nodes.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const reached = new Set([branch.first]);
      for (const id of reached)
        for (const to of targetsOf(branch.nodes.find((node) => node.id === id) as RecoveryNode))
          reached.add(to);
      expect([...reached].sort()).toEqual([...ids].sort());
    },
  );

  it.each(branches)("%s: every step has a time limit and a command for people (R-202)", (_name, branch) => {
    for (const node of branch.nodes)
      if (node.kind !== "end") {
        expect(node.limitSeconds).toBeGreaterThan(0);
        expect(node.command).not.toBe("");
      }
  });

  it("has the targets of the runbook (R-214)", () => {
    const { service, database, server } = recoveryTree;
    expect([service.rtoSeconds, database.rtoSeconds, server.rtoSeconds]).toEqual([120, 1200, 7200]);
    expect([database.rpoSeconds, server.rpoSeconds]).toEqual([86_400, 86_400]);
  });

  it("service crash, YES path: restart, wait, passing, resolved (R-203)", () => {
    expect(take("service", {})).toMatchObject({
      path: ["failing", "restart", "wait", "passing", "verify"],
      end: "resolved",
    });
  });

  it("service crash, not failing: false alarm (R-206)", () => {
    expect(take("service", { failing: [no] })).toMatchObject({ path: ["failing"], end: "falseAlarm" });
  });

  it("service crash, restarts do not help: twice, then rollback, then people (R-167, R-206)", () => {
    const result = take("service", { passing: [no, no], again: [yes, no], healed: [no] });
    expect(result.path).toEqual([
      ...["failing", "restart", "wait", "passing", "again"],
      ...["restart", "wait", "passing", "again"],
      ...["earlier", "rollback", "healed", "escalate"],
    ]);
    expect(result.end).toBe("escalated");
    expect(result.walk.begun).toMatchObject({ restart: 2, rollback: 1 });
  });

  it("service crash again after it was resolved: goes on, does not begin anew (R-167)", () => {
    const { walk } = take("service", {});
    const again = stepWalk(relapse(walk, 2), yes, 3);
    expect(again).toMatchObject({ node: "restart", begun: { restart: 1 } });
    expect(again.end).toBeUndefined();
  });

  it("database, YES path: only its services stop, restore, up, intact, start (R-204)", () => {
    expect(take("database", {}).path).toEqual([
      ...["scope", "snapshot", "stop", "restore", "up", "intact", "start", "healthy"],
    ]);
  });

  it("database, restore fails twice: the backup before it (R-206)", () => {
    expect(take("database", { restore: [failed, failed] }).path).toEqual([
      ...[
        "scope",
        "snapshot",
        "stop",
        "restore",
        "restore",
        "older",
        "restore",
        "up",
        "intact",
        "start",
        "healthy",
      ],
    ]);
  });

  it("database, no backup left: the services are started again and people are called (R-206)", () => {
    const { path, end } = take("database", { intact: [no], older: [no] });
    expect(path.slice(-3)).toEqual(["older", "start-anyway", "escalate"]);
    expect(end).toBe("escalated");
  });

  it("server: down, recover, healthy; each NO ends with people or a false alarm (R-206)", () => {
    expect(take("server", {})).toMatchObject({ path: ["down", "recover", "healthy"], end: "resolved" });
    expect(take("server", { down: [no] }).end).toBe("falseAlarm");
    expect(take("server", { healthy: [no] }).end).toBe("escalated");
    expect(take("server", { recover: [failed, failed] }).path).toEqual([
      "down",
      "recover",
      "recover",
      "escalate",
    ]);
  });

  it("breach: isolate, evidence, stop, rotate; contained until the rebuild is confirmed (R-210)", () => {
    expect(take("security", { confirm: [no] })).toMatchObject({
      path: ["breach", "isolate", "evidence", "stop-all", "rotate", "confirm"],
      end: "contained",
    });
    expect(take("security", {})).toMatchObject({ end: "resolved" });
    expect(take("security", { isolate: [failed, failed] }).path).toContain("stop-all");
  });

  it("a tree that never settles ends with people", () => {
    const forever = { passing: Array<StepOutcome>(99).fill(no), again: Array<StepOutcome>(99).fill(yes) };
    expect(take("service", forever).end).toBe("escalated");
  });
});
