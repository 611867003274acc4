import { describe, expect, it } from "vitest";
import type { Alert } from "../alerting/alert-book.ts";
import { recoveryTimes } from "../policy/incident-record.ts";
import { aStackService, scope, version } from "../reconciler/world-support.ts";
import { RecoveryWorld } from "./recovery-support.ts";

async function running(services = [aStackService("web")]) {
  const world = new RecoveryWorld();
  await world.restart();
  await world.deploy(services);
  await world.rest(8);
  return world;
}

describe("service crash", () => {
  it("a killed service is resolved without anybody, with its times and four kinds of entries (R-203, R-212)", async () => {
    const world = await running();
    await world.kill("web");
    await world.until(() => world.incidents().some(({ status }) => status === "RESOLVED"), "resolved", 120);
    const [incident, ...more] = world.incidents();
    expect(more).toEqual([]);
    if (!incident) throw new Error("no incident");
    const kinds = incident.timeline.map(({ kind }) => kind).filter((kind) => kind !== "question");
    expect(kinds).toEqual(["alert", "action", "probe", "verified", "status"]);
    const { rto, met } = recoveryTimes(incident);
    expect(rto).toBeLessThan(5);
    expect(met).toBe(true);
    expect(world.pages).toEqual([]);
    await world.rest(20);
    expect(world.news.map(({ title }) => title)).toEqual(["[INCIDENT] Service Downtime - web"]);
  });

  it("an out-of-memory kill is named as the cause, with what to do (R-213)", async () => {
    const compose = { deploy: { resources: { limits: { memory: "512M" } } } };
    const world = await running([aStackService("web", { compose })]);
    await world.kill("web", 137, true);
    await world.until(() => world.incidents().length === 1, "opened", 30);
    const [incident] = world.incidents();
    expect(incident?.timeline[0]?.text).toBe("Alert triggered (health check fail: killed: out of memory)");
    expect(incident?.causes[0]?.text).toBe("OOM killer terminated process");
    expect(incident?.actionItems[0]).toEqual({ text: "Increase memory limit to 1GB (from 512MB)" });
  });

  it("one that hangs is restarted with fresh replicas (R-203)", async () => {
    const world = await running();
    world.runtime.behave("web:1", { probe: { reason: "GET /healthz timed out" } });
    await world.until(() => world.incidents().length === 1, "opened", 60);
    world.runtime.behave("web:1", {});
    await world.until(() => world.incidents()[0]?.status === "RESOLVED", "resolved", 120);
    expect(world.incidents()[0]?.facts.ended).toBe(false);
  });

  it("a crash loop: restarted twice, rolled back, resolved (R-167, R-206)", async () => {
    const web = aStackService("web");
    const world = await running([web]);
    await world.deploy([version(web, 2)]);
    await world.rest(8);
    world.runtime.behave("web:2", { dies: { afterMs: 300, exitCode: 1 } });
    await world.kill("web", 1);
    await world.until(() => world.incidents()[0]?.status === "RESOLVED", "resolved", 300);
    const actions = world.incidents()[0]?.timeline.filter(({ kind }) => kind === "action");
    expect(actions?.map(({ text }) => text.replace(/failed: .*/, "failed"))).toEqual([
      "Service restarted",
      "Service restarted with fresh replicas",
      "Rolled back to v1",
    ]);
    expect(world.serving("web")).toEqual(["web:1"]);
  });

  it("a crash loop without an earlier release calls exactly the DevOps lead, and ends when it is well (R-167, R-209)", async () => {
    const world = await running();
    world.runtime.behave("web:1", { dies: { afterMs: 300, exitCode: 1 } });
    await world.kill("web", 1);
    await world.until(() => world.pages.length > 0, "called", 300);
    expect(world.pages.map(({ call }) => call.contacts.map(({ role }) => role))).toEqual([["DevOps lead"]]);
    expect(world.incidents()).toHaveLength(1);
    expect(world.incidents()[0]).toMatchObject({ status: "INVESTIGATING", walk: { end: "escalated" } });
    world.runtime.behave("web:1", {});
    await world.until(() => world.incidents()[0]?.status === "RESOLVED", "healthy again", 300);
  });

  it("a call is repeated until somebody has it (R-209)", async () => {
    const world = await running();
    world.runtime.behave("web:1", { dies: { afterMs: 300, exitCode: 1 } });
    await world.kill("web", 1);
    await world.until(() => world.pages.length > 1, "called twice", 1800);
    expect(world.pages.map(({ call }) => call.round)).toEqual([1, 2]);
  });

  it("a replica that dies again within minutes is the same incident (R-167, R-215)", async () => {
    const world = await running();
    await world.kill("web");
    await world.until(() => world.incidents()[0]?.status === "RESOLVED", "resolved", 60);
    await world.rest(60);
    await world.kill("web");
    await world.until(() => world.incidents()[0]?.status === "INVESTIGATING", "reopened", 60);
    await world.until(() => world.incidents()[0]?.status === "RESOLVED", "resolved again", 60);
    expect(world.incidents()).toHaveLength(1);
  });
});

describe("alerts", () => {
  const alert = (id: string, rule: string): Alert => ({
    id,
    key: id,
    rule,
    subject: { scope: "shop/production", service: "web" },
    severity: "critical",
    beyond: {},
    held: {},
    firings: [],
    message: "Service Down (0 of 1 ready)",
    value: 1,
    hint: "",
    incident: "service",
    repeats: 0,
    rounds: 0,
  });

  it("the gravest one opens and closes an incident by itself; others join it, once (R-202, R-215)", async () => {
    const world = await running();
    world.alerts = [alert("alert_1", "service-down"), alert("alert_2", "error-rate")];
    await world.until(() => world.incidents()[0]?.alerts.length === 2, "both", 60);
    await world.rest(30);
    expect(world.incidents()).toHaveLength(1);
    const [incident] = world.incidents();
    expect(incident).toMatchObject({
      alerts: ["alert_1", "alert_2"],
      status: "RESOLVED",
      walk: { end: "falseAlarm" },
    });
    expect(world.acknowledged).toEqual([
      `alert_1: incident ${incident?.id}`,
      `alert_2: incident ${incident?.id}`,
    ]);
  });

  it("an alert that means no crash opens none", async () => {
    const world = await running();
    world.alerts = [alert("alert_1", "memory")];
    await world.rest(30);
    expect(world.incidents()).toEqual([]);
  });
});

/** Stands for kill -9 of the control plane. */
class Killed extends Error {}

describe("kill -9 of the control plane at every step of a recovery", () => {
  it("goes on where it was: two restarts and one rollback, never more (R-167)", async () => {
    for (let killAt = 1; ; killAt += 1) {
      const web = aStackService("web");
      const world = await running([web]);
      await world.deploy([version(web, 2)]);
      await world.rest(8);
      let steps = 0;
      let killed = false;
      const first = world.recovery;
      const engine = world.engine;
      world.onStep = () => {
        steps += 1;
        if (steps !== killAt) return;
        killed = true;
        void first.stop();
        void engine.reconciler.stop().catch(() => undefined);
        throw new Killed();
      };
      world.runtime.behave("web:2", { dies: { afterMs: 300, exitCode: 1 } });
      await world.kill("web", 1);
      await world.until(() => killed || world.incidents()[0]?.status === "RESOLVED", "killed or over", 300);
      if (killed) {
        await world.rest(1);
        await world.restart();
      }
      await world.until(() => world.incidents()[0]?.status === "RESOLVED", `resolved (${killAt})`, 300);
      expect(world.incidents()).toHaveLength(1);
      const mine = world.store.deployments
        .list(scope, 50)
        .filter(({ requestedBy }) => requestedBy === "roadstead");
      const kinds = mine.map(({ kind }) => kind).sort();
      expect(kinds, `killed after step ${killAt}`).toEqual(["restart", "rollback"]);
      expect(world.serving("web")).toEqual(["web:1"]);
      if (!killed) return;
    }
  }, 60_000);
});
