import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aJob, aStep } from "../../pipeline/pipeline-support.ts";
import type { JobRunSpec } from "../port.ts";
import { ProcessJobRunner } from "./process.ts";

describe("jobs as processes", () => {
  let folder: string;
  let source: string;
  let lines: string[];
  let runner: ProcessJobRunner;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "roadstead-jobs-"));
    source = mkdtempSync(join(tmpdir(), "roadstead-source-"));
    writeFileSync(join(source, "committed"), "yes");
    lines = [];
    runner = new ProcessJobRunner({ folder, programs: [dirname(process.execPath)] });
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(source, { recursive: true, force: true });
  });

  const run = (spec: Partial<JobRunSpec>, signal = new AbortController().signal) =>
    runner.run(
      { id: "run-1", job: aJob("test"), source, env: {}, secrets: {}, cacheKey: "shop", ...spec },
      (line) => lines.push(line),
      signal,
    );
  const steps = (...scripts: string[]) => scripts.map((script, n) => aStep(`s${n}`, { run: script }));

  it("runs the steps in order in a workspace that is gone afterwards (R-061, R-075)", async () => {
    const job = aJob("test", { steps: steps("cat committed; echo; touch left", "ls; node --version") });
    expect(await run({ job })).toMatchObject({ ok: true });
    expect(lines).toContain("yes");
    expect(lines).toContain("left");
    expect(lines).toContain(process.version);
    expect(readdirSync(join(folder, "work"))).toEqual([]);
    expect(readdirSync(source)).toEqual(["committed"]);
  });

  it("stops at the first step that fails and says which", async () => {
    const job = aJob("test", { steps: steps("echo one; exit 3", "echo never") });
    expect(await run({ job })).toMatchObject({
      ok: false,
      step: "s0",
      reason: "failed",
      exitCode: 3,
      message: "echo one; exit 3 ended with exit code 3",
    });
    expect(lines).not.toContain("never");
  });

  it("runs steps of one group beside each other (R-067)", async () => {
    const script = (mine: string, other: string) =>
      `touch ../${mine}; for i in $(seq 100); do [ -e ../${other} ] && exit 0; sleep 0.05; done; exit 1`;
    const [first, second] = steps(script("a", "b"), script("b", "a"));
    const job = aJob("test", { steps: first && second ? [first, { ...second, parallel: true }] : [] });
    expect(await run({ job })).toMatchObject({ ok: true });
  });

  it("gives a job its variables and secrets and nothing of the control plane's own", async () => {
    process.env["ROADSTEAD_PLANTED"] = "leak";
    const job = aJob("test", { steps: steps("env"), env: { MINE: "1" }, secrets: ["TOKEN"] });
    await run({ job, env: { CI: "true" }, secrets: { TOKEN: "t" } });
    delete process.env["ROADSTEAD_PLANTED"];
    expect(lines).toEqual(expect.arrayContaining(["MINE=1", "CI=true", "TOKEN=t"]));
    expect(lines.join("\n")).not.toContain("leak");
  });

  it("kills a step with all it started when its time is up", async () => {
    const [step] = steps("sleep 60 & sleep 60");
    const job = aJob("test", { steps: step ? [{ ...step, timeoutSeconds: 0.3 }] : [] });
    expect(await run({ job })).toMatchObject({ ok: false, reason: "timedOut" });
  });

  it("kills a step that takes too much memory and says so (R-058)", async () => {
    const hungry = "node -e 'const kept = []; setInterval(() => kept.push(Buffer.alloc(2e7, 1)), 10)'";
    const job = aJob("test", { steps: steps(hungry), limits: { memoryBytes: 150_000_000 } });
    expect(await run({ job })).toMatchObject({
      ok: false,
      reason: "outOfMemory",
      message: expect.stringContaining("build out of memory, it took more than 143 MB"),
    });
  });

  it("runs at low priority (R-058)", async () => {
    await run({ job: aJob("test", { steps: steps("sleep 0.1; nice") }) });
    expect(lines).toContain("10");
  });

  it("keeps caches between runs, in the repository and in the job's home", async () => {
    const caches = ["node_modules", "~/.npm"];
    const job = aJob("test", {
      steps: steps("ls node_modules ~/.npm; touch node_modules/kept ~/.npm/too"),
      caches,
    });
    await run({ job });
    lines.length = 0;
    await run({ job, id: "run-2" });
    expect(lines).toEqual(expect.arrayContaining(["kept", "too"]));
    lines.length = 0;
    await run({ job, id: "run-3", cacheKey: "other" });
    expect(lines).not.toContain("kept");
  });

  it("ends with its signal and leaves nothing, and removes what a killed run has left", async () => {
    const abort = new AbortController();
    const job = aJob("test", { steps: steps("echo started; sleep 60") });
    const running = run({ job }, abort.signal);
    const ended = expect(running).rejects.toThrow("enough");
    while (!lines.includes("started")) await new Promise((resolve) => setTimeout(resolve, 10));
    abort.abort(new Error("enough"));
    await ended;
    expect(existsSync(join(folder, "work", "run-1"))).toBe(false);
  });
});
