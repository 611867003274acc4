import { describe, expect, it } from "vitest";
import { aStackService, World } from "../reconciler/world-support.ts";
import { imageArchive, inPieces } from "../scan/archive-support.ts";
import { BuiltinScanner } from "../scan/drivers/builtin.ts";
import { MemoryVulnerabilities } from "../scan/drivers/memory.ts";
import { DeliveryWorld } from "./delivery-support.ts";
import { isFrozen, putFreeze, removeFreeze } from "./freeze.ts";
import { approvePhase } from "./phases/approve.ts";
import { buildPhase } from "./phases/build.ts";
import { deployPhase } from "./phases/deploy.ts";
import { fetchPhase } from "./phases/fetch.ts";
import { scanPhase } from "./phases/scan.ts";
import { stagePhase } from "./phases/stage.ts";
import type { Run } from "./run.ts";
import { lastScan } from "./scan-book.ts";

const hour = 3_600_000;
const minute = 60_000;

async function start() {
  const world = new World();
  await world.engine.reconciler.start();
  const vulnerabilities = new MemoryVulnerabilities();
  const phases = [
    fetchPhase,
    buildPhase,
    scanPhase(async () => ({ content: new BuiltinScanner(), vulnerabilities })),
    stagePhase,
    approvePhase,
    deployPhase,
  ];
  return { d: new DeliveryWorld(world, { phases }), vulnerabilities, world };
}

/** Hours in steps that no sleeper of the engine is lost in. */
async function leap(world: World, hours: number): Promise<void> {
  for (let step = 0; step < hours * 20; step += 1) await world.turn(3 * minute);
}

const phaseOf = (run: Run, name: string) => run.phases.find((phase) => phase.name === name);
const waits = (run: Run) => run.state === "waiting";

describe("the scan gate", () => {
  const token = `ghp_${"aB3dE5fG7hJ9".repeat(3)}`;
  const built = aStackService("web", { compose: { image: "web:1", build: { context: "." } } as never });
  const layers = (world: World, ...files: Record<string, string>[]) =>
    world.runtime.archives.set("web:1", imageArchive(files));

  it("a secret in the commit stops the run with file and line, and nothing is deployed (R-105)", async () => {
    const { d, world } = await start();
    const run = await d.over(d.push(d.commit({ "settings.js": `\nexport const key = "${token}";\n` })));
    expect(run).toMatchObject({
      state: "failed",
      failure: {
        phase: "scan",
        code: "DELIVERY_SCAN_BLOCKED",
        message: "settings.js:2: github-token",
        lastLines: ["✗ settings.js:2: github-token"],
      },
    });
    expect(JSON.stringify(run)).not.toContain(token);
    expect(d.output(run)).not.toContain(token);
    expect(world.store.deployments.list(run.scope, 10)).toEqual([]);
  });

  it("looks at a pull request's commit too, and keeps that apart from what is deployed", async () => {
    const { d, world } = await start();
    const facts = { subject: "", author: "Eve", trigger: "pullRequest" as const, checksOnly: true };
    const commit = d.commit({ "a.js": `const key = "${token}";` });
    const scope = { stack: "shop", environment: "production" };
    const by = { name: "forge", reason: "" };
    const run = await d.over(d.delivery.accept({ source: "shop", scope, ref: "main", commit, ...facts }, by));
    expect(run.failure).toMatchObject({ phase: "scan", message: "a.js:1: github-token" });
    expect(lastScan(world.store, scope)).toBeUndefined();
  });

  it("passes what is allowed until a day, and blocks when the day is over", async () => {
    const { d, world } = await start();
    const day = (now: number) => new Date(now).toISOString().slice(0, 10);
    const allow = { ".roadstead-allow": `secret settings.js until ${day(world.clock.now())} # revoked\n` };
    const files = { "settings.js": `export const key = "${token}";\n`, ...allow };
    const run = await d.over(d.push(d.commit(files)));
    expect(run.state).toBe("succeeded");
    expect(phaseOf(run, "scan")?.detail).toContain("1 allowed");
    await leap(world, 24);
    const late = await d.over(d.push(d.commit(files)));
    expect(late).toMatchObject({ state: "failed", failure: { phase: "scan" } });
    expect(late.failure?.lastLines?.[0]).toContain("its exception ran out on");
  });

  it("an .env in a layer stops the run (R-105); a compiler only warns (R-056)", async () => {
    const { d, world } = await start();
    layers(world, { "app/.env": "A=1" });
    const run = await d.over(d.push(d.commit({}, [built])));
    expect(run.failure).toMatchObject({ phase: "scan", message: "image web: app/.env: env-file" });
    const clean = await start();
    layers(clean.world, { "usr/bin/gcc": "x" });
    const passed = await clean.d.over(clean.d.push(clean.d.commit({}, [built])));
    expect(passed.state).toBe("succeeded");
    expect(clean.d.output(passed)).toContain("! image web: usr/bin/gcc: build-tool");
  });

  it("says plainly that nobody looked for vulnerabilities; where one is required, the run fails (R-068)", async () => {
    const { d, world } = await start();
    layers(world, { "app/a.js": "1" });
    const run = await d.over(d.push(d.commit({}, [built])));
    expect(run.state).toBe("succeeded");
    expect(phaseOf(run, "scan")?.detail).toContain("no vulnerability scanner on this host");
    const strict = await d.over(d.push(d.commit({}, [built], { pipeline: { scan: { required: true } } })));
    expect(strict.failure).toMatchObject({ phase: "scan", code: "DELIVERY_SCANNER_MISSING" });
  });

  it("a known HIGH stops the run, and is known for the scope (R-068)", async () => {
    const { d, world, vulnerabilities } = await start();
    layers(world, { "app/a.js": "1" });
    vulnerabilities.installed = true;
    const one = {
      kind: "vulnerability",
      id: "CVE-1",
      severity: "HIGH",
      package: "x",
      installed: "1",
    } as const;
    vulnerabilities.found.set("web", [{ ...one, image: "web" }]);
    const run = await d.over(d.push(d.commit({}, [built])));
    expect(run.failure).toMatchObject({ phase: "scan", code: "DELIVERY_SCAN_BLOCKED" });
    expect(lastScan(world.store, run.scope)?.findings).toMatchObject([{ verdict: "blocked" }]);
    const lenient = { pipeline: { scan: { threshold: "CRITICAL" } } };
    expect(await d.over(d.push(d.commit({}, [built], lenient)))).toMatchObject({ state: "succeeded" });
  });

  it("holds the image to its budget (R-045)", async () => {
    const { d, world } = await start();
    layers(world, { "app/a.bin": "x".repeat(1300) });
    const budget = (maxSize: number) => ({ web: { "x-roadstead": { image: { maxSize } } } });
    const at = async (size: number) => await d.over(d.push(d.commit({}, [built], {}, budget(size))));
    expect(await at(1300)).toMatchObject({ state: "succeeded" });
    const warned = await at(1200);
    expect(warned.state).toBe("succeeded");
    expect(phaseOf(warned, "scan")?.detail).toContain("1 warning");
    expect((await at(1000)).failure).toMatchObject({ phase: "scan", code: "DELIVERY_SCAN_BLOCKED" });
  });

  it("is read by a scanner in pieces of any length", async () => {
    const pieces = inPieces(imageArchive([{ "app/.env": "A=1" }]), 3);
    const report = await new BuiltinScanner().scanImage("web", pieces, new AbortController().signal);
    expect(report.findings).toHaveLength(1);
  });
});

describe("the approval gate (R-071)", () => {
  const rule = { approvers: ["grace", "test"], fourEyes: true, timeout: "24h", remindEvery: "4h" };
  const asks = { pipeline: { approval: rule } };
  const grace = { name: "grace", reason: "seen on staging" };

  async function waiting() {
    const { d, world } = await start();
    const run = d.push(d.commit({}, undefined, asks));
    await d.until(run, waits, "it waits");
    return { d, world, run };
  }

  it("waits, then deploys with who, why and how long", async () => {
    const { d, world, run } = await waiting();
    expect(world.store.deployments.list(run.scope, 10)).toEqual([]);
    expect(phaseOf(d.now(run), "approve")?.detail).toContain("waits for approval by grace or test");
    await leap(world, 0.4);
    d.delivery.approve(run.id, grace);
    const done = await d.over(run);
    expect(done).toMatchObject({ state: "succeeded", approval: { by: "grace", reason: "seen on staging" } });
    expect(done.approval?.waitedMs).toBeGreaterThanOrEqual(24 * minute);
    expect(phaseOf(done, "approve")?.detail).toBe("approved by grace after 24 min: seen on staging");
  });

  it("refuses who pushed it and who is no approver; the run goes on waiting", async () => {
    const { d, run } = await waiting();
    const refused = expect.objectContaining({ code: "DELIVERY_APPROVAL_REFUSED" });
    expect(() => d.delivery.approve(run.id, { name: "test", reason: "" })).toThrow(refused);
    expect(() => d.delivery.approve(run.id, { name: "eve", reason: "" })).toThrow(refused);
    expect(d.now(run).control).toBeUndefined();
    expect(d.now(run).state).toBe("waiting");
  });

  it("a no ends the run as rejected, with its reason", async () => {
    const { d, world, run } = await waiting();
    d.delivery.reject(run.id, { name: "grace", reason: "wrong price" });
    expect(await d.over(run)).toMatchObject({
      state: "rejected",
      failure: {
        phase: "approve",
        message: expect.stringMatching(/^rejected by grace after .*: wrong price$/),
      },
    });
    expect(world.store.deployments.list(run.scope, 10)).toEqual([]);
  });

  it("reminds every four hours and gives up after a day, in the audit trail (R-295)", async () => {
    const { d, world, run } = await waiting();
    await leap(world, 9);
    expect(d.news).toHaveLength(3);
    expect(phaseOf(d.now(run), "approve")?.detail).toContain("(reminder 2)");
    await leap(world, 15);
    await d.over(run);
    expect(d.now(run).state).toBe("rejected");
    expect(d.now(run).failure?.message).toBe("nobody approved it within 24 h");
    expect(world.store.audit.list(1)).toMatchObject([{ action: "run.approvalTimedOut", target: run.id }]);
  });

  it("a kill -9 while it waits loses neither the wait nor its beginning", async () => {
    const { d, world, run } = await waiting();
    await leap(world, 2);
    await d.restart();
    await d.until(run, waits, "it waits again");
    expect(d.news).toHaveLength(1);
    d.delivery.approve(run.id, grace);
    const done = await d.over(run);
    expect(done.state).toBe("succeeded");
    expect(done.approval?.waitedMs).toBeGreaterThanOrEqual(2 * hour);
  });

  it("a kill -9 right after the yes: it counts, and is deployed once", async () => {
    const { d, world, run } = await waiting();
    d.delivery.approve(run.id, grace);
    await d.restart();
    expect(await d.over(run)).toMatchObject({ state: "succeeded", approval: { by: "grace" } });
    expect(world.store.deployments.list(run.scope, 10)).toHaveLength(1);
  });

  it("asks nobody for another environment", async () => {
    const { d } = await start();
    const elsewhere = { pipeline: { approval: { ...rule, environments: ["staging"] } } };
    const run = await d.over(d.push(d.commit({}, undefined, elsewhere)));
    expect(phaseOf(run, "approve")).toMatchObject({ state: "skipped" });
  });
});

describe("freeze and maintenance windows (R-156)", () => {
  const freeze = (changes: { until?: number; environment?: string } = {}) => ({
    id: "freeze_1",
    by: "ada",
    at: 0,
    reason: "Black Friday",
    ...changes,
  });

  it("waits while it is frozen, says until when, and deploys when it is over", async () => {
    const { d, world } = await start();
    putFreeze(world.store, freeze({ until: world.clock.now() + 2 * hour }));
    expect(
      isFrozen(world.store, { stack: "shop", environment: "production" }, world.clock.now()),
    ).toBeDefined();
    const run = d.push(d.commit());
    await d.until(run, waits, "it waits");
    await leap(world, 1);
    expect(phaseOf(d.now(run), "deploy")?.detail).toMatch(
      /^production is closed \(frozen: Black Friday\); opens at \d{4}-/,
    );
    expect(d.news).toHaveLength(1);
    expect(world.store.deployments.list(run.scope, 10)).toEqual([]);
    await leap(world, 1.2);
    expect((await d.over(run)).state).toBe("succeeded");
  });

  it("goes on when the freeze is taken off, and is none of another environment's business", async () => {
    const { d, world } = await start();
    putFreeze(world.store, freeze({ environment: "staging" }));
    expect((await d.over(d.push(d.commit()))).state).toBe("succeeded");
    putFreeze(world.store, freeze());
    const run = d.push(d.commit());
    await d.until(run, waits, "it waits");
    removeFreeze(world.store, "freeze_1");
    expect((await d.over(run)).state).toBe("succeeded");
  });

  it("waits for its window", async () => {
    const { d, world } = await start();
    // The clock begins on 14 November 2023, a Tuesday, at 22:13.
    const window = { days: ["wed"], from: "02:00", to: "04:00" };
    const run = d.push(d.commit({}, undefined, { pipeline: { maintenance: [window] } }));
    await d.until(run, waits, "it waits");
    expect(phaseOf(d.now(run), "deploy")?.detail).toContain("opens at 2023-11-15 02:00 UTC");
    await leap(world, 3.9);
    expect((await d.over(run)).state).toBe("succeeded");
  });

  it("an operator may override it, after an approval too, and only what waits for it", async () => {
    const { d, world } = await start();
    putFreeze(world.store, freeze());
    const approval = { approvers: ["grace"] };
    const run = d.push(d.commit({}, undefined, { pipeline: { approval } }));
    await d.until(run, waits, "it waits for approval");
    const ada = { name: "ada", reason: "the fix of the outage" };
    expect(() => d.delivery.override(run.id, ada)).toThrow(
      expect.objectContaining({ code: "DELIVERY_NOT_FROZEN" }),
    );
    d.delivery.approve(run.id, { name: "grace", reason: "" });
    await d.until(run, (now) => waits(now) && phaseOf(now, "deploy")?.state === "waiting", "it waits again");
    await leap(world, 0.5);
    d.delivery.override(run.id, ada);
    expect(await d.over(run)).toMatchObject({
      state: "succeeded",
      override: { by: "ada" },
      approval: { by: "grace" },
    });
    expect(d.output(run)).toContain("goes on although it is closed: ada: the fix of the outage");
  });

  it("a kill -9 while it is frozen: it still waits", async () => {
    const { d, world } = await start();
    putFreeze(world.store, freeze({ until: world.clock.now() + hour }));
    const run = d.push(d.commit());
    await d.until(run, waits, "it waits");
    await d.restart();
    await d.until(run, waits, "it waits again");
    await leap(world, 1.1);
    expect((await d.over(run)).state).toBe("succeeded");
  });
});

describe("staging first (R-069)", () => {
  const chain = { pipeline: { promote: ["staging", "production"] } };
  const staging = { stack: "shop", environment: "staging" };
  const digests = (world: World, scope: { stack: string; environment: string }) =>
    Object.fromEntries(
      Object.entries(world.store.releases.list(scope, 1)[0]?.images ?? {}).map(([name, { digest }]) => [
        name,
        digest,
      ]),
    );

  it("staging has the exact digests of production, and had them first", async () => {
    const { d, world } = await start();
    const services = [aStackService("web", { routes: [] })];
    const run = await d.over(d.push(d.commit({}, services, chain)));
    expect(run).toMatchObject({ state: "succeeded", staged: { environment: "staging", release: "v1" } });
    expect(Object.keys(digests(world, staging))).toEqual(["web"]);
    expect(digests(world, run.scope)).toEqual(digests(world, staging));
    const [there] = world.store.deployments.list(staging, 1);
    const [here] = world.store.deployments.list(run.scope, 1);
    expect(here?.createdAt ?? 0).toBeGreaterThanOrEqual(there?.finishedAt ?? Number.POSITIVE_INFINITY);
    expect(here?.request?.pinnedImages).toMatchObject(digestsAsPins(digests(world, staging)));
  });

  it("what fails on staging never reaches production, and says why (R-070)", async () => {
    const { d, world } = await start();
    const web = aStackService("web", { smoke: [{ method: "GET", path: "/api/models", status: 200 }] });
    world.smokeAnswers.set("/api/models", { status: 500, body: "no models" });
    const run = await d.over(d.push(d.commit({}, [web], chain)));
    expect(run).toMatchObject({
      state: "failed",
      failure: {
        phase: "stage",
        code: "DELIVERY_STAGE_FAILED",
        message: expect.stringMatching(/^staging: .*\/api\/models answered 500, expected 200/),
      },
    });
    expect(world.store.deployments.list(run.scope, 10)).toEqual([]);
  });

  it("a kill -9 on staging: it is deployed there once, and goes on", async () => {
    const { d, world } = await start();
    const run = d.push(d.commit({}, [aStackService("web", { routes: [] })], chain));
    await d.until(run, () => world.store.deployments.list(staging, 1).length === 1, "staging has begun");
    await d.restart();
    expect((await d.over(run)).state).toBe("succeeded");
    expect(world.store.deployments.list(staging, 10)).toHaveLength(1);
    expect(world.store.deployments.list(run.scope, 10)).toHaveLength(1);
  });

  it("a run for staging itself has nothing before it", async () => {
    const { d } = await start();
    const run = await d.over(d.push(d.commit()));
    expect(phaseOf(run, "stage")).toMatchObject({ state: "skipped" });
  });
});

function digestsAsPins(digests: Record<string, string>): Record<string, { digest: string }> {
  return Object.fromEntries(Object.entries(digests).map(([name, digest]) => [name, { digest }]));
}
