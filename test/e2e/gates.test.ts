import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run as runProgram } from "../../src/lib/run.ts";
import { Platform, trio } from "./platform.ts";

type Run = {
  id: string;
  state: string;
  commit: string;
  failure?: { phase: string; message: string };
  phases: { name: string; state: string; detail?: string }[];
  approval?: { by: string; reason: string };
};

/** What stands between a push and production, on the whole product. */
describe("gates of a pushed commit", () => {
  let platform: Platform;
  let work: string;
  let grace: string;

  beforeAll(async () => {
    platform = await Platform.start({ runtime: "process", edge: "embedded" });
    work = mkdtempSync(join(tmpdir(), "roadstead-gates-"));
    cpSync(trio, work, { recursive: true });
    await git("init", "--quiet", "--initial-branch=main");
    grace = (await platform.json<{ secret: string }>(["token", "create", "grace"])).secret;
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(work, { recursive: true, force: true });
  });

  async function git(...argv: string[]): Promise<string> {
    const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    const env = process.env as Record<string, string>;
    const outcome = await runProgram(["git", "-C", work, ...who, ...argv], { env, timeoutMs: 60_000 });
    return outcome.stdout.trim();
  }

  async function commit(files: Record<string, string>, subject: string): Promise<string> {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text);
    await git("add", "--all");
    await git("commit", "--quiet", "-m", subject);
    return await git("rev-parse", "HEAD");
  }

  const push = () => platform.cli(["push", "--stack", "trio"], {}, work);
  const runs = async () => (await platform.json<{ runs: Run[] }>(["pipeline"])).runs;
  const waiting = async (phase: string) =>
    (await runs())[0]?.phases.find(({ name }) => name === phase)?.state === "waiting";
  const until = (condition: () => Promise<boolean>) =>
    expect.poll(condition, { timeout: 60_000, interval: 200 }).toBe(true);

  /** The trio's own file, with gates for production. */
  function composeWith(pipeline: string): string {
    const text = readFileSync(join(trio, "compose.yaml"), "utf8");
    return `${text}\nx-roadstead:\n  pipeline: ${pipeline}\n`;
  }

  it("a planted secret ends the run with its file and line, and nothing is deployed (R-105)", async () => {
    const token = `ghp_${"aB3dE5fG7hJ9".repeat(3)}`;
    await commit({ "settings.mjs": `// ours\nexport const key = "${token}";\n` }, "Oops");
    const pushed = await push();
    expect(pushed.stderr + pushed.stdout).toContain("settings.mjs:2: github-token");
    expect(pushed.stderr + pushed.stdout).not.toContain(token);
    expect((await runs())[0]).toMatchObject({ state: "failed", failure: { phase: "scan" } });
    expect(
      (await platform.json<{ stacks: unknown[] }>(["status", "--all"]).catch(() => ({ stacks: [] }))).stacks,
    ).toEqual([]);
    const scan = await platform.cli(["scan", "trio"]);
    expect(scan.exitCode).toBe(1);
    expect(scan.stdout).toContain("✗ settings.mjs:2: github-token");
    expect((await platform.cli(["smoke", "trio"])).exitCode).toBe(3);
  });

  it("waits for somebody else's yes, then for the end of a freeze, then deploys (R-071, R-156)", async () => {
    await platform.ok(["freeze", "on", "--until", "1h", "--reason", "fair"]);
    const approval = "{approval: {approvers: [grace], fourEyes: true}}";
    const files = {
      "settings.mjs": "export const key = process.env.KEY;\n",
      "compose.yaml": composeWith(approval),
    };
    const id = await commit(files, "Better");
    const pushed = push();
    await until(() => waiting("approve"));
    const own = await platform.cli(["approve"]);
    expect(own.exitCode).not.toBe(0);
    expect(own.stderr).toContain("not among the approvers");
    await platform.ok(["approve", "--reason", "seen", "--token", grace]);
    await until(() => waiting("deploy"));
    const held = (await runs())[0]?.phases.find(({ name }) => name === "deploy");
    expect(held?.detail).toMatch(/^production is closed \(frozen: fair\); opens at /);
    const name = (await runs())[0]?.id ?? "";
    await platform.ok(["freeze", "override", name, "--reason", "the outage"]);
    await pushed;
    await until(async () => (await runs())[0]?.state === "succeeded");
    expect((await runs())[0]).toMatchObject({ commit: id, approval: { by: "grace", reason: "seen" } });
  });

  it("asks what serves, and shows the way there as ten steps (R-070, R-072)", async () => {
    const smoke = await platform.ok(["smoke", "trio"]);
    expect(smoke.stdout).toMatch(/✓\s+front\s+GET http:\/\/trio\.localhost\/version\s+200\/200/);
    const { rows } = await platform.json<{ rows: { step: string; state: string }[] }>([
      "pipeline",
      "show",
      "--timeline",
    ]);
    expect(rows).toHaveLength(10);
    const done = rows.filter(({ state }) => state === "done").map(({ step }) => step);
    expect(done).toEqual(["merge", "CI start", "lint & build", "approval", "green up", "cut-over"]);
    await platform.ok(["freeze", "off"]);
    expect((await platform.ok(["freeze"])).stdout).toContain("Nothing is frozen");
  });

  it("gives staging the very digests of production, first (R-069)", async () => {
    const staging = "{services: {front: {routes: [{host: staging.localhost, port: 3000}]}}}";
    const text = `${composeWith("{promote: [staging, production]}")}  environments: {staging: ${staging}}\n`;
    await commit({ "compose.yaml": text.replaceAll("VERSION:-1", "VERSION:-7") }, "Through staging");
    const pushed = await push();
    expect(pushed.stdout + pushed.stderr).toMatch(/staging serves v1; its images go on/);
    expect((await runs())[0]).toMatchObject({ state: "succeeded", staged: { environment: "staging" } });
    type Releases = { releases: { images: Record<string, { digest: string }> }[] };
    const digests = async (environment: string) => {
      const found = await platform.json<Releases>(["releases", "trio", "--env", environment]);
      const images = Object.entries(found.releases[0]?.images ?? {});
      return Object.fromEntries(images.map(([name, { digest }]) => [name, digest]));
    };
    expect(Object.keys(await digests("production")).sort()).toEqual(["api", "front", "worker"]);
    expect(await digests("production")).toEqual(await digests("staging"));
    const smoke = await platform.ok(["smoke", "trio", "--env", "staging"]);
    expect(smoke.stdout).toContain("http://staging.localhost/version");
  });
});
