import { describe, expect, it } from "vitest";
import { aStackService, by, scope, version } from "../reconciler/world-support.ts";
import { checkEvidence } from "./evidence.ts";
import type { Restores } from "./parts.ts";
import { RecoveryWorld } from "./recovery-support.ts";

const web = aStackService("web", { compose: { environment: { DATABASE_URL: "postgres://db:5432/app" } } });
const other = aStackService("other");
const db = aStackService("db", { kind: "database", strategy: "singleton", routes: [] });

async function running(services = [web, other, db], restores?: Restores) {
  const world = new RecoveryWorld();
  world.restores = restores;
  await world.restart();
  await world.deploy(services);
  await world.rest(8);
  return world;
}

/** Backups of which each restore ends as told, and what was asked for. */
function backups(world: { at: number }, outcomes: readonly ("ok" | "fails" | "damaged")[]) {
  const asked: string[] = [];
  let next = 0;
  const restores: Restores = {
    snapshots: () => [
      { id: "snap-new", takenAt: world.at - 3600_000 },
      { id: "snap-old", takenAt: world.at - 7200_000 },
    ],
    restore: async ({ snapshot }) => {
      asked.push(snapshot);
      const outcome = outcomes[next] ?? "ok";
      if (outcome !== "damaged") next += 1;
      if (outcome === "fails") throw new Error("the archive is truncated");
    },
    inspect: async () => {
      const ok = outcomes[next] !== "damaged";
      if (!ok) next += 1;
      return { ok, detail: ok ? "12 rows in 2 tables" : "orders is empty" };
    },
  };
  return { restores, asked };
}

const now = { at: 1_700_000_000_000 };

describe("database branch", () => {
  it("stops only what uses it, restores, starts, and measures RTO and RPO (R-204)", async () => {
    const { restores, asked } = backups(now, ["ok"]);
    const world = await running(undefined, restores);
    const wish = { incident: "database", scope, service: "db", recover: true } as const;
    const { id } = world.incidentDesk.open(wish, by);
    await world.until(() => world.recovery.book.get(id).status === "RESOLVED", "resolved", 600);
    const incident = world.recovery.book.get(id);
    expect(asked).toEqual(["snap-new"]);
    expect(incident.facts.stopped).toEqual(["web"]);
    expect(incident.rpoSeconds).toBeGreaterThan(3000);
    expect(incident.timeline.filter(({ kind }) => kind === "action").map(({ text }) => text)).toEqual([
      "Stopped web",
      expect.stringMatching(/^Restored the backup of 2023-/),
      "Started web",
    ]);
    expect(world.pages.flatMap(({ call }) => call.contacts.map(({ role }) => role))).toEqual([]);
    expect(incident.timeline.find(({ kind }) => kind === "call")?.text).toMatch(/Nobody to call/);
  });

  it("a backup that fails twice, or holds too little, is followed by the one before (R-206)", async () => {
    for (const outcomes of [["fails", "fails"], ["damaged"]] as const) {
      const { restores, asked } = backups(now, outcomes);
      const world = await running(undefined, restores);
      const { id } = world.incidentDesk.open(
        { incident: "database", scope, service: "db", recover: true },
        by,
      );
      await world.until(() => world.recovery.book.get(id).status === "RESOLVED", "resolved", 600);
      expect(asked.at(-1)).toBe("snap-old");
    }
  });

  it("a second recovery of the stack at once is refused with the reason", async () => {
    const { restores } = backups(now, ["ok"]);
    const world = await running(undefined, { ...restores, restore: () => new Promise(() => undefined) });
    const { id } = world.incidentDesk.open({ incident: "database", scope, service: "db", recover: true }, by);
    await world.until(() => world.recovery.book.get(id).walk?.node === "restore", "restoring", 60);
    expect(() => world.incidentDesk.open({ incident: "security", scope, recover: true }, by)).toThrow(
      `shop/production is being recovered: incident ${id}`,
    );
  });
});

describe("security breach", () => {
  it("is isolated, evidence kept with checksums, stopped; rebuilt only when confirmed (R-210)", async () => {
    const world = await running([web, other]);
    world.onCall = {
      ...world.onCall,
      contacts: [
        { name: "Sec", role: "Security team", channel: "sec" },
        { name: "Lex", role: "Legal", channel: "legal" },
        { name: "Ada", role: "DevOps lead", channel: "ops" },
      ],
    };
    const { id } = world.incidentDesk.open({ incident: "security", scope, recover: true }, by);
    expect(world.pages.map(({ call }) => call.contacts.map(({ role }) => role))).toEqual([
      ["Security team", "Legal"],
    ]);
    await world.until(() => world.recovery.book.get(id).walk?.end === "contained", "contained", 120);
    expect((await world.edge.ask("web.test", "/")).status).toBe(503);
    const replicas = await world.runtime.observe(scope, AbortSignal.timeout(1000));
    expect(replicas.filter(({ state }) => state === "running")).toEqual([]);
    const { evidence } = world.recovery.book.get(id).facts;
    expect(evidence?.files).toBeGreaterThan(6);
    expect(await checkEvidence(evidence?.folder ?? "")).toEqual([]);
    const before = new Set(replicas.map(({ id: replica }) => replica));
    world.incidentDesk.recover(id, by, { rebuild: true });
    await world.until(() => world.recovery.book.get(id).status === "RESOLVED", "rebuilt", 300);
    expect((await world.edge.ask("web.test", "/")).status).toBe(200);
    expect(
      world.runtime.calls.filter((call) => call.startsWith("removeReplica")).length,
    ).toBeGreaterThanOrEqual(before.size);
  });
});

describe("incidents by hand", () => {
  it("a report, then the matching failure: one incident (R-215)", async () => {
    const world = await running([web]);
    world.incidentDesk.open(
      { incident: "service", scope, service: "web", reporter: "a customer", recover: false },
      by,
    );
    await world.kill("web");
    await world.rest(10);
    expect(world.incidents()).toHaveLength(1);
    expect(world.incidents()[0]?.timeline.map(({ text }) => text)).toContain(
      "Failed again (health check fail: ended with exit code 137)",
    );
  });

  it("closing lists what is open, and goes through when nothing is (R-208)", async () => {
    const world = await running([web]);
    const { id } = world.incidentDesk.open(
      { incident: "service", scope, service: "web", recover: false },
      by,
    );
    expect(() => world.incidentDesk.close(id, by)).toThrow(/it is not resolved; .*Update runbooks/);
    world.incidentDesk.resolve(id, by);
    world.incidentDesk.note(
      id,
      { done: ["postMortem", "rootCause", "preventive", "runbooks"], rootCause: "a cable" },
      by,
    );
    expect(world.incidentDesk.close(id, by).closed?.by).toBe("test");
  });
});

describe("drills", () => {
  it("a service crash in a copy: measured against two minutes, and nothing is left (R-214)", async () => {
    const world = await running([web, other]);
    const [drill] = world.drills.begin({ scope, branches: ["service"], live: false }, by);
    const id = drill?.id ?? "";
    await world.until(() => world.drills.book.get(id).cleaned, "over", 600);
    const done = world.drills.book.get(id);
    expect(done).toMatchObject({ state: "passed", rtoTarget: 120 });
    expect(done.rto).toBeLessThan(10);
    expect(world.store.scopes.list().map((state) => state.scope)).toEqual([scope]);
    expect(world.news).toEqual([]);
    expect(world.pages).toEqual([]);
    expect(world.incidents()[0]?.drill).toBe(id);
  });

  it("one that does not heal fails loudly (R-214)", async () => {
    const bad = version(web, 9);
    const world = await running([bad]);
    const [drill] = world.drills.begin({ scope, branches: ["service"], live: false }, by);
    const id = drill?.id ?? "";
    await world.until(() => world.drills.book.get(id).phase !== "copy", "copied", 600);
    world.runtime.behave("web:9", { startFails: "no space left" });
    await world.until(() => world.drills.book.get(id).state === "failed", "failed", 900);
    expect(world.news.map(({ title }) => title)).toEqual(["Drill failed: Service crash of shop/production"]);
  });

  it("database and breach: with a backup passed, without one failed, without a database skipped (R-214)", async () => {
    const states = async (services: Parameters<typeof running>[0], restores?: Restores) => {
      const world = await running(services, restores);
      const begun = world.drills.begin({ scope, branches: ["database", "security"], live: false }, by);
      await world.until(() => begun.every(({ id }) => world.drills.book.get(id).cleaned), "over", 1800);
      return begun.map(({ id }) => world.drills.book.get(id).state);
    };
    expect(await states([web, other, db], backups(now, ["ok"]).restores)).toEqual(["passed", "passed"]);
    expect(await states([web, other, db])).toEqual(["failed", "passed"]);
    expect(await states([web, other])).toEqual(["skipped", "passed"]);
  });

  it("killed at any step it goes on, and leaves no copy behind (R-214)", async () => {
    class Killed extends Error {}
    for (const killAt of [1, 3, 5]) {
      const world = await running([web]);
      let steps = 0;
      const { recovery, drills, engine } = world;
      let killed = false;
      world.onStep = () => {
        steps += 1;
        if (steps !== killAt) return;
        killed = true;
        void recovery.stop();
        void drills.stop();
        void engine.reconciler.stop().catch(() => undefined);
        throw new Killed();
      };
      const [drill] = drills.begin({ scope, branches: ["service"], live: false }, by);
      const id = drill?.id ?? "";
      await world.until(() => killed, "killed", 600);
      await world.rest(1);
      await world.restart();
      await world.until(() => world.drills.book.get(id).cleaned, "over", 900);
      expect(world.drills.book.get(id).state, `killed at ${killAt}`).toBe("passed");
      expect(world.store.scopes.list().map((state) => state.scope)).toEqual([scope]);
    }
  });

  it("only a service crash may be rehearsed on what is live", async () => {
    const world = await running([web]);
    expect(() => world.drills.begin({ scope, branches: ["security"], live: true }, by)).toThrow(
      /only a service crash/,
    );
    // A real one that was over a moment ago is not mistaken for it.
    await world.kill("web");
    await world.until(() => world.incidents()[0]?.status === "RESOLVED", "the real one", 60);
    const [drill] = world.drills.begin({ scope, branches: ["service"], live: true }, by);
    await world.until(() => world.drills.book.get(drill?.id ?? "").state === "passed", "passed", 300);
  });
});
