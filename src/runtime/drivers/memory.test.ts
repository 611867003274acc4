import { describe, expect, it } from "vitest";
import type { Clock } from "../../lib/clock.ts";
import { ManualClock } from "../../lib/manual-clock.ts";
import { PlatformError } from "../../lib/platform-error.ts";
import { runtimeConformance } from "../conformance.ts";
import { httpProbe, Stage, signal } from "../conformance-support.ts";
import { MemoryRuntime } from "./memory.ts";

/** Time passes at once when somebody waits for it. */
function hastyClock(): Clock {
  let now = 1_700_000_000_000;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  };
}

const program = (args: readonly string[]) => ({ image: "echo", command: [...args] });
const missing = { image: "nobody/nothing:1" };
const jobLines = ["job line 1", "job line 2", "job line 3"];

function scripted(): MemoryRuntime {
  const runtime = new MemoryRuntime(hastyClock());
  runtime.behave("nobody/nothing:1", { imageMissing: true });
  runtime.behave("web", { lines: ["started as 1"] });
  runtime.behave("stubborn", { ignoresStop: true });
  runtime.behave("crash", { dies: { afterMs: 0, exitCode: 3, lines: ["cannot reach the database"] } });
  runtime.behave("sick", { probe: { reason: "GET /healthz answered 503", body: "database is away" } });
  runtime.behave("task", { job: { exitCode: 0, lines: jobLines } });
  runtime.behave("failing", { job: { exitCode: 5, lines: jobLines } });
  runtime.behave("hanging", { neverReady: true, job: { exitCode: 0, takesMs: 1e9, lines: ["working"] } });
  runtime.behave("shell", { exec: { exitCode: 4, stdout: "out", stderr: "err" } });
  return runtime;
}

runtimeConformance(
  "memory",
  async () => {
    const runtime = scripted();
    return { runtime, reopen: async () => runtime };
  },
  {
    program,
    missing,
    notFor: [
      {
        reason: "the in-memory host runs no programs",
        tests: [
          "environment and files reach the program",
          "the stop signal comes before the kill",
          "tail gives the last lines in order",
          "since leaves out what is older",
          "following goes on with new lines",
          "following one replica until its end gives every line once, and ends",
          "a job runs its own argv in the service's image",
          "an exec probe passes with exit code 0 and quotes the output otherwise (R-158)",
          "a shell exec probe is run by a shell",
          "an exec probe that hangs is ended at its time limit (R-158)",
          "exec passes standard input on",
          "exec holds a program back while its output is being taken",
          "exec ends when it is stopped, also while nobody takes its output",
          "a volume outlives its replicas and networks, until its removal is asked for",
        ],
      },
    ],
  },
);

describe("the in-memory host", () => {
  const stageOn = (clock: Clock) => {
    const runtime = new MemoryRuntime(clock);
    return { runtime, stage: new Stage(runtime, { program, missing }) };
  };

  it("becomes ready when its time has come", async () => {
    const clock = new ManualClock();
    const { runtime, stage } = stageOn(clock);
    runtime.behave("web", { readyAfterMs: 500 });
    const { id } = await stage.start("web");
    clock.advance(499);
    expect(await runtime.probe(id, httpProbe, signal)).toMatchObject({ ok: false });
    clock.advance(1);
    expect(await runtime.probe(id, httpProbe, signal)).toMatchObject({ ok: true });
  });

  it("dies at its time and tells the watchers", async () => {
    const clock = new ManualClock();
    const { runtime, stage } = stageOn(clock);
    runtime.behave("echo", { dies: { afterMs: 1000, exitCode: 137, oomKilled: true } });
    const spec = await stage.start("web");
    let nudges = 0;
    runtime.watch(() => {
      nudges += 1;
    }, signal);
    clock.advance(1000);
    await Promise.resolve();
    expect(await stage.observe(spec)).toMatchObject({ state: "exited", exitCode: 137, oomKilled: true });
    expect(nudges).toBe(1);
  });

  it("prefers the behaviour of the replica to that of its image and service", async () => {
    const { runtime, stage } = stageOn(new ManualClock());
    const spec = await stage.start("web");
    runtime.behave("web", { neverReady: true });
    expect(await runtime.probe(spec.id, httpProbe, signal)).toMatchObject({ ok: false });
    runtime.behave("echo", {});
    expect(await runtime.probe(spec.id, httpProbe, signal)).toMatchObject({ ok: true });
    runtime.behave(spec.id, { probe: { reason: "ill" } });
    expect(await runtime.probe(spec.id, httpProbe, signal)).toEqual({ ok: false, reason: "ill" });
  });

  it("counts the most replicas that ran at once", async () => {
    const { runtime, stage } = stageOn(new ManualClock());
    const first = await stage.start("web", { ordinal: 0 });
    await runtime.stopReplica(first.id, 1, signal);
    await stage.start("web", { ordinal: 1 });
    expect(runtime.mostRunning(stage.scope, "web")).toBe(1);
    await stage.start("web", { ordinal: 2 });
    expect(runtime.mostRunning(stage.scope, "web")).toBe(2);
  });

  it("loses every running replica and its exit code in a reboot, and no volume", async () => {
    const { runtime, stage } = stageOn(new ManualClock());
    const spec = await stage.start("web");
    runtime.reboot();
    const replica = await stage.observe(spec);
    expect(replica?.state).toBe("exited");
    expect(replica?.exitCode).toBeUndefined();
    expect(runtime.volumes()).toEqual([`${stage.scope.stack}_data`]);
  });

  it("removes volumes only when asked", async () => {
    const { runtime, stage } = stageOn(new ManualClock());
    await stage.spec("web");
    await runtime.removeResources(stage.scope, { volumes: false }, signal);
    expect([runtime.networks(), runtime.volumes()]).toEqual([[], [`${stage.scope.stack}_data`]]);
    await runtime.removeResources(stage.scope, { volumes: true }, signal);
    expect(runtime.volumes()).toEqual([]);
  });

  it("fails the next call as told, once, and records calls with side effects", async () => {
    const { runtime, stage } = stageOn(new ManualClock());
    const spec = await stage.spec("web");
    runtime.failNext("startReplica", new PlatformError("RUNTIME_UNREACHABLE", "no engine"));
    await expect(runtime.startReplica(spec, signal)).rejects.toThrow("no engine");
    await runtime.startReplica(spec, signal);
    expect(runtime.calls.filter((call) => call === `startReplica ${spec.id}`)).toHaveLength(2);
  });

  it("starts nothing whose image is not there", async () => {
    const { runtime, stage } = stageOn(new ManualClock());
    const spec = await stage.spec("web");
    const elsewhere = new MemoryRuntime(new ManualClock());
    await expect(elsewhere.startReplica(spec, signal)).rejects.toMatchObject({
      code: "RUNTIME_IMAGE_UNAVAILABLE",
    });
    expect(runtime.mostRunning(stage.scope, "web")).toBe(0);
  });
});
