import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aJob, aStep } from "../pipeline/pipeline-support.ts";
import type { JobRunner, JobRunOutcome, JobRunSpec } from "./port.ts";

export type JobRunnerUnderTest = {
  /** A runner whose workspaces lie in the folder. */
  open: (folder: string) => JobRunner;
  /** Argv of a program that opens one there and runs the job that it reads as JSON from standard input. */
  program: (folder: string) => [string, ...string[]];
  /** Processes, containers, networks and the like that jobs of this folder have left. */
  left: (folder: string) => Promise<readonly string[]>;
};

/** What every driver that really runs jobs keeps to. */
export function describeJobRunner(name: string, { open, program, left }: JobRunnerUnderTest): void {
  describe(`jobs: ${name}`, () => {
    let folder: string;
    let source: string;
    let lines: string[];
    let runner: JobRunner;
    beforeEach(() => {
      // Servers run as users of their own, who pass through.
      folder = join(mkdtempSync(join("/var/tmp", "roadstead-jobs-")), "jobs");
      source = mkdtempSync(join(tmpdir(), "roadstead-source-"));
      writeFileSync(join(source, "committed"), "yes");
      lines = [];
      openUp(folder);
      runner = open(folder);
    });
    afterEach(async () => {
      await runner.close();
      const found = [...(await left(folder)), ...workspaces(folder)];
      rmSync(join(folder, ".."), { recursive: true, force: true });
      rmSync(source, { recursive: true, force: true });
      expect(found).toEqual([]);
    });

    const specOf = (spec: Partial<JobRunSpec>): JobRunSpec => ({
      id: "run-1",
      job: aJob("test"),
      source,
      env: {},
      secrets: {},
      cacheKey: "shop",
      ...spec,
    });
    const run = (spec: Partial<JobRunSpec>, signal = new AbortController().signal): Promise<JobRunOutcome> =>
      runner.run(specOf(spec), (line) => lines.push(line), signal);
    const steps = (...scripts: string[]) => scripts.map((script, n) => aStep(`s${n}`, { run: script }));

    it("runs the steps in order in a workspace that is gone afterwards (R-061, R-075)", async () => {
      const job = aJob("test", { steps: steps("cat committed; echo; touch left", "ls; node --version") });
      expect(await run({ job })).toMatchObject({ ok: true });
      expect(lines).toContain("yes");
      expect(lines).toContain("left");
      expect(lines.some((line) => /^v\d+\.\d+\.\d+$/.test(line))).toBe(true);
      expect(readdirSync(source)).toEqual(["committed"]);
    });

    it("runs a step in the folder that it names (R-061)", async () => {
      const [step] = steps("basename $PWD");
      const job = aJob("test", { steps: step ? [{ ...step, folder: "inner" }] : [] });
      cpSync(join(source, "committed"), join(source, "inner", "committed"));
      expect(await run({ job })).toMatchObject({ ok: true });
      expect(lines).toContain("inner");
    });

    it("stops at the first step that fails and says which (R-061)", async () => {
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

    it("stops a step when the one beside it fails (R-067)", async () => {
      const [first, second] = steps("sleep 60", "exit 4");
      const job = aJob("test", { steps: first && second ? [first, { ...second, parallel: true }] : [] });
      expect(await run({ job })).toMatchObject({ ok: false, step: "s1", exitCode: 4 });
    });

    it("gives a job its variables and secrets and nothing of the control plane's own (R-074)", async () => {
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

    it("ends what a step has left in the background, even in a session of its own (R-075)", async () => {
      const job = aJob("test", { steps: steps("setsid sleep 300 >/dev/null 2>&1 & echo away") });
      expect(await run({ job })).toMatchObject({ ok: true });
      expect(await left(folder)).toEqual([]);
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

    it("keeps the files that a job names, and never what a link points at", async () => {
      const artefacts = join(folder, "kept");
      const script =
        "mkdir -p out/deep; echo 1 > out/deep/a.txt; ln -s /etc/passwd out/b.txt; echo 2 > c.txt";
      const job = aJob("test", { steps: steps(script), artefacts: ["out/**"] });
      expect(await run({ job, artefacts })).toMatchObject({ ok: true });
      expect(readdirSync(artefacts, { recursive: true }).sort()).toEqual([
        "out",
        "out/deep",
        "out/deep/a.txt",
      ]);
      expect(readFileSync(join(artefacts, "out/deep/a.txt"), "utf8")).toBe("1\n");
    });

    it("lays what other jobs have kept over the files, the later over the earlier", async () => {
      const [one, other] = [join(folder, "one"), join(folder, "other")];
      const write = (script: string, artefacts: string) =>
        run({
          job: aJob("build", { steps: steps(script), artefacts: ["dist/**"] }),
          artefacts,
          id: artefacts.slice(-3),
        });
      await write("mkdir dist; echo old > dist/a; echo b > dist/b", one);
      await write("mkdir dist; echo new > dist/a", other);
      const job = aJob("test", { steps: steps("cat dist/a dist/b") });
      expect(await run({ job, given: [one, other, join(folder, "none")] })).toMatchObject({ ok: true });
      expect(lines).toEqual(expect.arrayContaining(["new", "b"]));
      expect(lines).not.toContain("old");
    });

    it("ends with its signal and leaves nothing", async () => {
      const abort = new AbortController();
      const job = aJob("test", { steps: steps("echo started; sleep 60") });
      const running = run({ job }, abort.signal);
      const ended = expect(running).rejects.toThrow("enough");
      await until(() => lines.includes("started"));
      abort.abort(new Error("enough"));
      await ended;
    });

    const services = [
      { kind: "postgres", version: "17", variable: "DATABASE_URL" },
      { kind: "redis", version: "7", variable: "REDIS_URL" },
    ] as const;

    it("starts a throw-away PostgreSQL and Redis for each job, distinct ones for jobs beside each other (R-075)", async () => {
      addClient(source);
      const one = (id: string) => run({ id, job: aJob(id, { services, steps: steps("node use.mjs") }) });
      const outcomes = await Promise.all([one("run-1"), one("run-2")]);
      expect(outcomes, lines.join("\n")).toMatchObject([{ ok: true }, { ok: true }]);
      expect(lines.filter((line) => line === "rows 1 keys 1")).toHaveLength(2);
      const servers = lines.flatMap((line) => /^at (.*)$/.exec(line)?.[1] ?? []);
      expect(servers).toHaveLength(2);
      expect(new Set(servers).size).toBe(2);
    });

    it("ends and removes what a killed control plane has left (R-075)", async () => {
      const job = aJob("test", { services, steps: steps("setsid sleep 300 & echo started; sleep 300") });
      const [command, ...args] = program(folder);
      const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
      child.stdin.end(JSON.stringify(specOf({ id: "killed", job })));
      let output = "";
      child.stdout.on("data", (chunk) => {
        output += String(chunk);
      });
      const ended = new Promise((resolve) => child.on("exit", resolve));
      await until(() => output.includes("started\n") || child.exitCode !== null);
      expect(child.exitCode, output).toBeNull();
      expect(await left(folder)).not.toEqual([]);
      child.kill("SIGKILL");
      await ended;
      expect(workspaces(folder)).toEqual(["killed"]);
      await runner.removeLeftovers();
      expect(await left(folder)).toEqual([]);
    });
  });
}

/** Everybody may pass through the folder above, which `mkdtemp` closes. */
function openUp(folder: string): void {
  chmodSync(join(folder, ".."), 0o711);
  mkdirSync(folder, { mode: 0o711 });
}

function workspaces(folder: string): string[] {
  const work = join(folder, "work");
  return existsSync(work) ? readdirSync(work) : [];
}

/** A program with a real PostgreSQL client in the commit: fills its database and its Redis, and says what is in them. */
function addClient(source: string): void {
  const modules = [
    ...["pg", "pg-connection-string", "pg-int8", "pg-pool", "pg-protocol", "pg-types", "pgpass"],
    ...["postgres-array", "postgres-bytea", "postgres-date", "postgres-interval", "split2", "xtend"],
  ];
  const root = join(import.meta.dirname, "..", "..", "node_modules");
  for (const module of modules)
    if (existsSync(join(root, module)))
      cpSync(join(root, module), join(source, "node_modules", module), { recursive: true });
  writeFileSync(join(source, "use.mjs"), useServers);
}

const useServers = `
import { connect } from "node:net";
import pg from "pg";
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query("CREATE TABLE things (name text)");
await client.query("INSERT INTO things VALUES ('one')");
const { rows } = await client.query("SELECT (SELECT count(*) FROM things) AS n, (SELECT system_identifier FROM pg_control_system()) AS at");
const { hostname, port, password } = new URL(process.env.REDIS_URL);
const auth = password === "" ? "" : "AUTH " + password + "\\r\\n";
const answer = await new Promise((resolve, reject) => {
  const socket = connect(Number(port), hostname, () => socket.write(auth + "SET " + process.pid + " x\\r\\nDBSIZE\\r\\n"));
  let text = "";
  socket.on("data", (chunk) => { text += chunk; const size = /:(\\d+)/.exec(text); if (size) { socket.end(); resolve(size[1]); } });
  socket.on("error", reject);
});
console.log("at " + rows[0].at);
console.log("rows " + rows[0].n + " keys " + answer);
await client.end();
`;

async function until(isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !isSo(); ) {
    if (performance.now() > end) throw new Error("it did not happen within a minute");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
