import { describe, expect, it } from "vitest";
import { aStackService, by, requestFor, scope, version, World } from "./world-support.ts";

const web = aStackService("web");
const api = aStackService("api");
const targetsOf = (world: World, service: string) =>
  world.store.scopes.get(scope)?.routing[service]?.targets ?? [];

describe("deploy", () => {
  it("brings a stack up, routes it and makes its first release current", async () => {
    const world = new World();
    const deployment = await world.deploy([web, api]);
    expect(deployment).toMatchObject({ state: "succeeded" });
    expect(world.serving("web")).toEqual(["web:1"]);
    expect(await world.edge.ask("web.test", "/")).toMatchObject({ status: 200 });
    expect((await world.engine.status(scope)).services.map((s) => [s.name, s.state])).toEqual([
      ["web", "healthy"],
      ["api", "healthy"],
    ]);
    expect(targetsOf(world, "api")).toHaveLength(1);
  });

  it("answers every request from the old or the new release while the stack changes (R-085)", async () => {
    const world = new World();
    await world.deploy([web, api]);
    const statuses: number[] = [];
    world.onJournal = () =>
      void world.edge.ask("web.test", "/").then((answer) => statuses.push(answer.status));
    await world.deploy([version(web, 2), version(api, 2)]);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(world.serving("web")).toEqual(["web:2"]);
  });

  it("keeps the old release warm for its window and then removes it (R-086)", async () => {
    const world = new World();
    await world.deploy([web]);
    await world.deploy([version(web, 2)]);
    const replicas = async () => (await world.runtime.observe(scope, AbortSignal.timeout(1000))).length;
    await world.rest(3590);
    expect(await replicas()).toBe(2);
    await world.rest(20);
    expect(await replicas()).toBe(1);
  });

  it("plans beforehand what it then does, and touches only what changed", async () => {
    const world = new World();
    await world.deploy([web, api]);
    const plan = await world.engine.plan(scope, requestFor([version(web, 2), api]));
    const planned = plan.steps.map(({ step }) => step).filter((step) => step.kind !== "ensureImage");
    expect(planned.every((step) => !("service" in step) || step.service === "web")).toBe(true);
    const deployment = await world.deploy([version(web, 2), api]);
    // What is ready at the first look need not be waited for.
    const skipped = ["ensureImage", "ensureResources", "waitReady"];
    const entries = world.store.deployments.journal(deployment.id, 0);
    const done = entries.flatMap((entry) => (entry.event === "stepDone" ? [entry.step.kind] : []));
    const relevant = (kinds: readonly string[]) => kinds.filter((kind) => !skipped.includes(kind));
    expect(relevant(done)).toEqual(relevant(planned.map((step) => step.kind)));
  });

  it("of one named service leaves the images of the others as they are", async () => {
    const world = new World();
    await world.deploy([web, api]);
    const request = { ...requestFor([version(web, 2), api]), services: ["web"] };
    const deployment = await world.finished(world.engine.deploy(scope, request, by));
    const pulled = world.store.deployments
      .journal(deployment.id, 0)
      .flatMap((e) => (e.event === "stepDone" && e.step.kind === "ensureImage" ? [e.step.service] : []));
    expect(pulled).toEqual(["web"]);
    expect(world.serving("web")).toEqual(["web:2"]);
  });

  it("supersedes an older deployment that still waits", async () => {
    const world = new World();
    const first = world.engine.deploy(scope, requestFor([web]), by);
    const second = world.engine.deploy(scope, requestFor([version(web, 2)]), by);
    const third = world.engine.deploy(scope, requestFor([version(web, 3)]), by);
    await world.finished(third);
    expect(world.store.deployments.get(second.id)?.state).toBe("superseded");
    expect(world.store.deployments.get(first.id)?.state).toMatch(/succeeded|superseded/);
    expect(world.serving("web")).toEqual(["web:3"]);
  });

  it("refuses a route that another stack has, naming both (R-036)", async () => {
    const world = new World();
    await world.deploy([web]);
    const other = { ...scope, environment: "staging" };
    const request = requestFor([web]);
    const moved = JSON.parse(request.bundle.texts["/project/stack.json"] ?? "") as object;
    const staging = {
      ...request,
      bundle: {
        ...request.bundle,
        texts: { "/project/stack.json": JSON.stringify({ ...moved, environment: "staging" }) },
      },
    };
    expect(() => world.engine.deploy(other, staging, by)).toThrow(
      /route web\.test\/ of web is taken by web of shop\/production/,
    );
  });
});

describe("services that need each other but do not say so", () => {
  it("come up: one that ended before its peer was there is started again, and the peer has its traffic by then", async () => {
    const world = new World();
    world.runtime.behave("api:1", { readyAfterMs: 5000 });
    world.runtime.behave("web:1", {
      dies: { afterMs: 300, exitCode: 1, lines: ["connection refused"] },
      neverReady: true,
    });
    world.onJournal = () => {
      if (targetsOf(world, "api").length > 0) world.runtime.behave("web:1", {});
    };
    expect(await world.deploy([web, api])).toMatchObject({ state: "succeeded" });
    expect(world.serving("web")).toEqual(["web:1"]);
  });

  it("are judged once the peer is there", async () => {
    const world = new World();
    world.runtime.behave("api:1", { readyAfterMs: 5000 });
    world.runtime.behave("web:1", { dies: { afterMs: 300, exitCode: 9 }, neverReady: true });
    const deployment = await world.deploy([web, api]);
    expect(deployment.failure).toMatchObject({ code: "ENGINE_REPLICA_DIED", exitCode: 9 });
    const starts = world.runtime.calls.filter((call) => call.startsWith("startReplica shop-production-web"));
    expect(starts.length).toBeGreaterThan(2);
    expect(starts.length).toBeLessThan(10);
  });
});

describe("a bad release leaves the old one serving and says why", () => {
  it.each([
    [
      "crashes at start",
      { dies: { afterMs: 0, exitCode: 3, lines: ["cannot find config"] } },
      "ENGINE_REPLICA_DIED",
      /exit code 3/,
    ],
    ["is never ready", { neverReady: true }, "ENGINE_NOT_READY", /not ready within 30 s/],
    [
      "has an image that does not exist",
      { imageMissing: true },
      "RUNTIME_IMAGE_UNAVAILABLE",
      /cannot be found/,
    ],
    ["can't be started", { startFails: "no such program" }, "RUNTIME_START_FAILED", /no such program/],
  ])("%s", async (_name, behaviour, code, message) => {
    const world = new World();
    await world.deploy([web, api]);
    world.runtime.behave("web:2", behaviour);
    const deployment = await world.deploy([version(web, 2), version(api, 2)]);
    expect(deployment).toMatchObject({ state: "failed", failure: { code, outcome: "release v1 serves" } });
    expect(deployment.failure?.message).toMatch(message);
    expect(world.serving("web")).toEqual(["web:1"]);
    expect(world.serving("api")).toEqual(["api:1"]);
  });

  it("does not wait for peers when the program ends although they are there, or the file forbids a restart", async () => {
    const world = new World();
    world.runtime.behave("api:1", { readyAfterMs: 20_000 });
    world.runtime.behave("web:1", { dies: { afterMs: 50, exitCode: 4 } });
    const never = { ...web, compose: { ...web.compose, restart: "no" } };
    const began = world.clock.now();
    expect((await world.deploy([never, api])).failure).toMatchObject({ code: "ENGINE_REPLICA_DIED" });
    expect(world.clock.now() - began).toBeLessThan(25_000);
    expect(
      world.runtime.calls.filter((call) => call.startsWith("startReplica shop-production-web")),
    ).toHaveLength(1);
  });

  it("is kept to be looked at, but is nothing to roll back to", async () => {
    const world = new World();
    await world.deploy([web]);
    await world.deploy([version(web, 2)]);
    world.smokeAnswers.set("/check", { status: 500, body: "" });
    await world.deploy([{ ...version(web, 3), smoke: [{ method: "GET", path: "/check", status: 200 }] }]);
    expect((await world.engine.status(scope)).warm.map((entry) => entry.number)).toEqual([1]);
    expect(await world.runtime.observe(scope, AbortSignal.timeout(1000))).toHaveLength(3);
    await world.finished(world.engine.rollback(scope, undefined, by));
    expect(world.serving("web")).toEqual(["web:1"]);
  });

  it("shows the dead replica's last lines", async () => {
    const world = new World();
    world.runtime.behave("web:1", { dies: { afterMs: 0, exitCode: 1, lines: ["boom"] } });
    expect((await world.deploy([web])).failure?.lastLines).toEqual(["boom"]);
  });

  it("whose release job fails never starts a replica (R-081)", async () => {
    const world = new World();
    await world.deploy([web]);
    world.runtime.behave("web:2", { job: { exitCode: 7, lines: ["relation exists"] } });
    const next = {
      ...version(web, 2),
      releaseJob: { argv: ["migrate"], timeoutSeconds: 60, snapshot: false },
    };
    const deployment = await world.deploy([next]);
    expect(deployment).toMatchObject({
      state: "failed",
      failure: { code: "ENGINE_JOB_FAILED", exitCode: 7, lastLines: ["relation exists"] },
    });
    expect(world.runtime.calls.filter((call) => call.startsWith("startReplica")).length).toBe(1);
  });

  it("whose smoke check fails is withdrawn after the cut-over", async () => {
    const world = new World();
    await world.deploy([web]);
    world.smokeAnswers.set("/check", { status: 500, body: "broken" });
    const deployment = await world.deploy([
      { ...version(web, 2), smoke: [{ method: "GET", path: "/check", status: 200 }] },
    ]);
    expect(deployment).toMatchObject({
      state: "failed",
      failure: { code: "ENGINE_SMOKE_FAILED", probe: { body: "broken" } },
    });
    expect(world.serving("web")).toEqual(["web:1"]);
    expect((await world.engine.status(scope)).current?.number).toBe(1);
  });

  it("of a singleton: the old one comes back, and two never run at once (R-090)", async () => {
    const world = new World();
    const bot = aStackService("bot", { strategy: "singleton", routes: [], ports: [], addressing: "direct" });
    await world.deploy([bot]);
    world.runtime.behave("bot:2", { dies: { afterMs: 0, exitCode: 1 } });
    const deployment = await world.deploy([version(bot, 2)]);
    expect(deployment.state).toBe("failed");
    expect(world.runtime.mostRunning(scope, "bot")).toBe(1);
    expect((await world.engine.status(scope)).services[0]?.state).toBe("healthy");
  });

  it("whose first deployment fails leaves nothing that serves", async () => {
    const world = new World();
    world.runtime.behave("web:1", { neverReady: true });
    const deployment = await world.deploy([web]);
    expect(deployment.failure?.outcome).toBe("nothing of this stack serves");
    expect(await world.edge.ask("web.test", "/")).toMatchObject({ status: 404 });
  });
});

describe("canary", () => {
  const policy = {
    steps: [{ weight: 10, forSeconds: 600 }],
    maxErrorRate: 0.01,
    maxP95Seconds: 1,
    minRequests: 100,
  };
  const canary = aStackService("web", { strategy: "canary", canary: policy });

  async function begun(status: (target: string) => number) {
    const world = new World();
    await world.deploy([canary]);
    const deployment = world.engine.deploy(scope, requestFor([version(canary, 2)]), by);
    const watching = () =>
      world.store.deployments
        .journal(deployment.id, 0)
        .some((e) => e.event === "stepStarted" && e.step.kind === "watchCanary");
    await world.until(watching, "the canary is watched");
    const load = async (count: number) => {
      for (let i = 0; i < count; i += 1) {
        const { target } = await world.edge.ask("web.test", "/");
        if (target && status(target) !== 200) world.edge.record(target, { status: status(target), ms: 5 });
      }
    };
    return { world, deployment, load };
  }
  const isNew = (world: World, target: string) =>
    world.runtime.specOf(target.slice(0, target.lastIndexOf(":")) as never)?.image.reference === "web:2";

  it("gets its share, passes on its own traffic, not before its time is over (R-082)", async () => {
    const { world, deployment, load } = await begun(() => 200);
    const began = world.clock.now();
    await load(2000);
    const shares = (await world.edge.observe(AbortSignal.timeout(1000))).counters
      .map((c) => c.requests)
      .sort((a, b) => a - b);
    expect(shares.at(-2)).toBeGreaterThan(150);
    expect((await world.finished(deployment)).state).toBe("succeeded");
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(600_000 - 1000);
    expect(world.serving("web")).toEqual(["web:2"]);
  });

  it("is withdrawn within two seconds of a breach (R-083, R-084)", async () => {
    let world: World | undefined;
    const run = await begun((target) => (world && isNew(world, target) ? 500 : 200));
    world = run.world;
    const before = world.clock.now();
    await run.load(2000);
    await world.until(() => (world as World).serving("web").join() === "web:1", "back to the old release");
    expect(world.clock.now() - before).toBeLessThan(2000);
    const deployment = await world.finished(run.deployment);
    expect(deployment).toMatchObject({ state: "failed", failure: { code: "ENGINE_CANARY_FAILED" } });
  });

  it("holds its weight while too few requests allow no verdict, until promoted", async () => {
    const { world, deployment } = await begun(() => 200);
    await world.rest(1200);
    expect(world.store.deployments.get(deployment.id)?.state).toBe("running");
    expect(
      world.store.deployments
        .journal(deployment.id, 0)
        .some((e) => e.event === "output" && e.line.startsWith("inconclusive")),
    ).toBe(true);
    world.engine.promote(scope, by);
    expect((await world.finished(deployment)).state).toBe("succeeded");
  });

  it("is aborted by an operator: all traffic back, state aborted", async () => {
    const { world, deployment } = await begun(() => 200);
    world.engine.abort(scope, by);
    expect((await world.finished(deployment)).state).toBe("aborted");
    expect(world.serving("web")).toEqual(["web:1"]);
  });
});

describe("rollback window", () => {
  it("goes back by itself when errors burst half an hour after the cut-over (R-086)", async () => {
    const world = new World();
    const policy = { steps: [], maxErrorRate: 0.01, maxP95Seconds: 1, minRequests: 50 };
    const watched = aStackService("web", { strategy: "canary", canary: policy });
    await world.deploy([watched]);
    await world.deploy([version(watched, 2)]);
    await world.rest(1800);
    expect(world.serving("web")).toEqual(["web:2"]);
    for (let i = 0; i < 100; i += 1) {
      const { target } = await world.edge.ask("web.test", "/");
      if (target) world.edge.record(target, { status: 500, ms: 5 });
    }
    await world.until(() => world.serving("web").join() === "web:1", "back on the old release", 10);
    await world.rest(120);
    expect(world.serving("web")).toEqual(["web:1"]);
    expect(world.store.deployments.list(scope, 1)[0]).toMatchObject({
      kind: "rollback",
      requestedBy: "roadstead",
    });
  });
});

describe("operate", () => {
  it("rolls back to the warm release and forward again (R-087)", async () => {
    const world = new World();
    await world.deploy([web, api]);
    await world.deploy([version(web, 2), version(api, 2)]);
    const back = await world.finished(world.engine.rollback(scope, undefined, by));
    expect(back.state).toBe("succeeded");
    expect(world.serving("web")).toEqual(["web:1"]);
    expect((back.cutOverAt ?? 0) - back.createdAt).toBeLessThan(1000);
    await world.finished(world.engine.rollback(scope, undefined, by));
    expect(world.serving("web")).toEqual(["web:2"]);
  });

  it("restarts side by side, so that nobody notices (R-250)", async () => {
    const world = new World();
    await world.deploy([web]);
    const before = world.store.scopes.get(scope)?.routing["web"]?.targets[0]?.replica;
    const done = await world.finished(world.engine.restart(scope, ["web"], by));
    expect(done.state).toBe("succeeded");
    expect(world.store.scopes.get(scope)?.routing["web"]?.targets[0]?.replica).not.toBe(before);
    expect(() => world.engine.restart(scope, ["wbe"], by)).toThrow(/no service wbe; it has web/);
  });

  it("stops and starts a service: 503 meanwhile, and nothing repairs it (R-257)", async () => {
    const world = new World();
    await world.deploy([web]);
    await world.finished(world.engine.stop(scope, ["web"], by));
    await world.rest(60);
    expect(await world.edge.ask("web.test", "/")).toMatchObject({ status: 503 });
    expect((await world.engine.status(scope)).services[0]?.state).toBe("stopped");
    await world.finished(world.engine.start(scope, ["web"], by));
    expect(await world.edge.ask("web.test", "/")).toMatchObject({ status: 200 });
  });

  it("scales up and down", async () => {
    const world = new World();
    await world.deploy([web]);
    await world.finished(world.engine.scale(scope, { web: 3 }, by));
    expect(world.store.scopes.get(scope)?.routing["web"]?.targets).toHaveLength(3);
    await world.finished(world.engine.scale(scope, { web: 1 }, by));
    expect(await world.runtime.observe(scope, AbortSignal.timeout(1000))).toHaveLength(1);
  });

  it("takes a stack down and leaves its volumes", async () => {
    const world = new World();
    await world.deploy([web, api]);
    expect((await world.finished(world.engine.down(scope, { volumes: false }, by))).state).toBe("succeeded");
    expect(await world.runtime.observe("all", AbortSignal.timeout(1000))).toEqual([]);
    expect(world.edge.config?.routes).toEqual([]);
    expect(await world.engine.list()).toEqual([]);
  });
});

describe("at rest", () => {
  it("starts a killed replica again and routes it when it is ready", async () => {
    const world = new World();
    await world.deploy([{ ...web, replicas: 2 }]);
    const victim = world.store.scopes.get(scope)?.routing["web"]?.targets[0]?.replica;
    world.runtime.kill(victim as never);
    await world.until(
      () => world.store.scopes.get(scope)?.routing["web"]?.targets.length === 1,
      "the dead target is out",
      5,
    );
    await world.until(
      () => world.store.scopes.get(scope)?.routing["web"]?.targets.length === 2,
      "it is back",
      30,
    );
  });

  it("brings everything back after a reboot", async () => {
    const world = new World();
    await world.deploy([web, api]);
    world.runtime.reboot();
    await world.rest(15);
    expect((await world.engine.status(scope)).services.map((s) => s.state)).toEqual(["healthy", "healthy"]);
  });

  it("backs off from a replica that keeps dying and calls it a crash loop (R-167)", async () => {
    const world = new World();
    await world.deploy([web]);
    world.runtime.behave("web:1", { dies: { afterMs: 100, exitCode: 1 } });
    world.runtime.kill(world.store.scopes.get(scope)?.routing["web"]?.targets[0]?.replica as never);
    await world.rest(300);
    const starts = world.runtime.calls.filter((call) => call.startsWith("startReplica")).length;
    expect(starts).toBeGreaterThan(4);
    expect(starts).toBeLessThan(16);
    expect((await world.engine.status(scope)).services[0]?.state).toBe("crash-looping");
  });

  it("a failing probe takes a replica out of the edge but never restarts it (R-166)", async () => {
    const world = new World();
    await world.deploy([{ ...web, replicas: 2 }]);
    const victim = world.store.scopes.get(scope)?.routing["web"]?.targets[0]?.replica ?? "";
    world.runtime.behave(victim, { probe: { reason: "503" } });
    await world.rest(60);
    expect(world.store.scopes.get(scope)?.routing["web"]?.targets).toHaveLength(1);
    expect(world.runtime.calls.filter((call) => call.startsWith("startReplica"))).toHaveLength(2);
    world.runtime.behave(victim, {});
    await world.rest(30);
    expect(world.store.scopes.get(scope)?.routing["web"]?.targets).toHaveLength(2);
  });
});

describe("a restart on another volume", () => {
  const db = aStackService("db", {
    kind: "database",
    strategy: "recreate",
    routes: [],
    compose: { image: "db:1", volumes: [{ type: "volume", source: "data", target: "/data" }] },
  });
  const mounted = async (world: World) => {
    const replicas = await world.runtime.observe(scope, AbortSignal.timeout(1000));
    const running = replicas.filter(({ service, state }) => service === "db" && state === "running");
    return running.map(({ id }) => world.runtime.specOf(id)?.volumes["data"]?.name);
  };
  const deployed = async () => {
    const world = new World();
    const request = requestFor([db, web]);
    const stack = JSON.parse(request.bundle.texts["/project/stack.json"] ?? "") as object;
    const texts = { "/project/stack.json": JSON.stringify({ ...stack, volumes: { data: { name: "d" } } }) };
    const bundle = { ...request.bundle, texts };
    await world.finished(world.engine.deploy(scope, { ...request, bundle }, by));
    return world;
  };

  it("keeps it over later deployments, and goes back to the first one when asked (R-142)", async () => {
    const world = await deployed();
    expect(await mounted(world)).toEqual(["d"]);
    const go = (name: string | null) =>
      world.finished(world.engine.switchVolumes(scope, ["db"], { data: name }, by));
    expect(await go("d.r1")).toMatchObject({ state: "succeeded" });
    expect(await mounted(world)).toEqual(["d.r1"]);
    await world.finished(world.engine.restart(scope, ["db"], by));
    expect(await mounted(world)).toEqual(["d.r1"]);
    expect(await go(null)).toMatchObject({ state: "succeeded" });
    expect(await mounted(world)).toEqual(["d"]);
  });

  it("returns to the volume that served when the new one does not come up", async () => {
    const world = await deployed();
    world.onJournal = (entry) => {
      if (entry.event !== "stepStarted" || entry.step.kind !== "startReplica") return;
      const fresh = world.store.deployments.get(entry.deployment)?.state === "running";
      world.runtime.behave("db:1", fresh ? { neverReady: true } : {});
    };
    const deployment = world.engine.switchVolumes(scope, ["db"], { data: "d.r1" }, by);
    expect(await world.finished(deployment)).toMatchObject({ state: "failed" });
    expect(await mounted(world)).toEqual(["d"]);
  });
});
