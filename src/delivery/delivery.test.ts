import { describe, expect, it } from "vitest";
import type { JobRunOutcome } from "../build/port.ts";
import { aStackService, World } from "../reconciler/world-support.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import { DeliveryWorld, packageWithTests } from "./delivery-support.ts";
import { RunBook } from "./run-book.ts";

const failedJob: JobRunOutcome = {
  ok: false,
  durationMs: 5,
  step: "test",
  reason: "failed",
  exitCode: 1,
  message: "npm test ended with exit code 1",
};

async function start(): Promise<DeliveryWorld> {
  const world = new World();
  await world.engine.reconciler.start();
  return new DeliveryWorld(world);
}

describe("delivery of a commit", () => {
  it("goes through its phases to a release that serves (R-064)", async () => {
    const d = await start();
    const run = await d.over(d.push(d.commit(packageWithTests)));
    expect(run).toMatchObject({ state: "succeeded", deployment: expect.any(String) });
    expect(run.phases.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "fetch done",
      "jobs done",
      "build skipped",
      "approve skipped",
      "deploy done",
    ]);
    expect(d.output(run)).toContain("all traffic to");
    expect(d.world.store.releases.list(run.scope, 1)).toMatchObject([{ label: "main-0000000" }]);
    expect(d.news.map(({ state }) => state)).toEqual(["succeeded"]);
  });

  it("stops at a failing job, deploys nothing and keeps its last lines (R-066)", async () => {
    const d = await start();
    d.jobs.behave(async (_spec, onLine) => {
      onLine("1 of 2 tests failed, the token was hunter2");
      return failedJob;
    });
    const run = await d.over(d.push(d.commit(packageWithTests)));
    expect(run).toMatchObject({
      state: "failed",
      failure: {
        phase: "jobs",
        code: "DELIVERY_JOB_FAILED",
        message: expect.stringContaining("npm test ended"),
      },
    });
    expect(run.failure?.lastLines).toEqual(["1 of 2 tests failed, the token was ***"]);
    expect(d.output(run)).not.toContain("hunter2");
    expect(d.world.store.deployments.list(run.scope, 10)).toEqual([]);
  });

  it("says why the deployment failed; what served goes on (R-152)", async () => {
    const d = await start();
    await d.over(d.push(d.commit()));
    const broken = { ...aStackService("web"), compose: { image: "web:broken" } };
    d.world.runtime.behave("web:broken", { dies: { afterMs: 0, exitCode: 1, lines: ["no database"] } });
    const run = await d.over(d.push(d.commit({}, [broken])));
    expect(run).toMatchObject({
      state: "failed",
      failure: { phase: "deploy", code: "DELIVERY_DEPLOYMENT_FAILED" },
    });
    const status = await d.world.engine.status(run.scope);
    expect(status.current?.number).toBe(1);
  });

  it("three triggers within a second: one runs, one waits, one is superseded (R-077)", async () => {
    const d = await start();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    d.jobs.behave(async () => {
      await held;
      return { ok: true, durationMs: 1 };
    });
    const [one, two, three] = [d.commit(packageWithTests), d.commit(), d.commit()];
    const first = d.push(one);
    await d.until(first, () => d.jobs.ran.length === 1, "the first runs");
    const second = d.push(two);
    const third = d.push(three);
    expect([first, second, third].map((run) => d.now(run).state)).toEqual([
      "running",
      "superseded",
      "queued",
    ]);
    letGo();
    expect((await d.over(third)).state).toBe("succeeded");
    expect(d.now(first).state).toBe("succeeded");
  });

  it("the same commit twice is one run (R-077)", async () => {
    const d = await start();
    const commit = d.commit();
    const first = d.push(commit);
    expect(d.push(commit).id).toBe(first.id);
    await d.over(first);
    expect(d.push(commit).id).not.toBe(first.id);
  });

  it("ends a queued run at once and a running one with its job", async () => {
    const d = await start();
    d.jobs.behave(
      (_spec, _onLine, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const run = d.push(d.commit(packageWithTests));
    await d.until(run, () => d.jobs.ran.length > 0, "the job runs");
    const waiting = d.push(d.commit());
    d.delivery.abort(waiting.id, { name: "ada", reason: "" });
    expect(d.now(waiting).state).toBe("aborted");
    d.delivery.abort(run.id, { name: "ada", reason: "wrong branch" });
    expect(await d.over(run)).toMatchObject({
      state: "aborted",
      failure: { phase: "jobs", message: "aborted by ada: wrong branch" },
    });
  });

  it.each(["fetch", "jobs", "deploy"])("killed in %s, it ends as if nothing had happened", async (phase) => {
    const d = await start();
    const run = d.push(d.commit(packageWithTests));
    await d.until(run, ({ phases }) => phases.some((p) => p.name === phase && p.state !== "pending"), phase);
    await d.restart();
    expect(await d.over(run)).toMatchObject({ state: "succeeded" });
    expect(d.world.store.deployments.list(run.scope, 10)).toHaveLength(1);
  });

  it("a job that a kill interrupted runs again, one that had passed does not", async () => {
    const d = await start();
    let killed = false;
    d.jobs.behave(async (_spec, _onLine) => {
      if (killed) return { ok: true, durationMs: 1 };
      killed = true;
      return await new Promise(() => undefined);
    });
    const run = d.push(d.commit(packageWithTests));
    await d.until(run, () => killed, "the job runs");
    await d.restart();
    expect(await d.over(run)).toMatchObject({ state: "succeeded" });
    expect(d.jobs.ran).toEqual(["shop", "shop"]);
  });

  it("keeps the output of a run within its limit", async () => {
    const d = await start();
    const run = await d.over(d.push(d.commit()));
    const book = new RunBook(createMemoryStore(), d.world.clock, 10);
    book.put(run);
    for (let i = 1; i < 30; i += 1) book.write(run.id, { phase: "jobs", line: `line ${i}` });
    expect(book.lines(run.id, 7, 30).map(({ line }) => line)).toEqual([
      "line 8",
      "line 9",
      "… more output is not kept",
    ]);
  });
});
