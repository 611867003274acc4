import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiWorld } from "../api/api-support.ts";
import { createClient } from "../api/contract/client.ts";
import { aStackService } from "../reconciler/world-support.ts";
import { statusAfter } from "./carry-out.ts";
import { testContext } from "./cli-support.ts";
import { runCli } from "./program.ts";

/** The CLI against the real API on a real socket, with the memory drivers below it and a clock that is turned along. */
const api = new ApiWorld();
let address = "";
let home = "";
let running = false;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "roadstead-operate-"));
  address = await api.server.listen({ host: "127.0.0.1", port: 0 });
  await api.world.engine.reconciler.start();
  api.world.runtime.behave("web", {
    lines: ["listening"],
    exec: { exitCode: 3, stdout: "out", stderr: "err" },
    stats: { cpu: 0.1, memoryBytes: 1e6 },
  });
  await api.deploy([aStackService("web"), aStackService("api")], "first");
  await api.deploy([aStackService("web", { replicas: 2 }), aStackService("api")], "second");
});
afterAll(async () => {
  await api.server.close();
  rmSync(home, { recursive: true, force: true });
});

async function roadstead(...words: string[]) {
  const env = { ROADSTEAD_HOST: address, ROADSTEAD_TOKEN: api.token, ROADSTEAD_HOME: home };
  const context = testContext({ env, cwd: home, now: () => api.world.clock.now() });
  running = true;
  const turning = turnClock();
  const exitCode = await runCli(words, context);
  running = false;
  await turning;
  return { exitCode, stdout: context.out(), stderr: context.err() };
}

/** The engine's time goes on while the command waits for it. */
async function turnClock(): Promise<void> {
  while (running) await api.world.turn(100);
}

describe("looking", () => {
  it("status names stack, release and services; --json of one stack is that stack", async () => {
    const shown = await roadstead("status");
    expect(shown).toMatchObject({ exitCode: 0, stderr: "" });
    expect(shown.stdout).toMatch(/^shop \(production\) {2}v2 \(second\)/);
    expect(shown.stdout).toMatch(/web +web +healthy +2\/2/);
    const all = JSON.parse((await roadstead("status", "--json")).stdout);
    expect(all.stacks).toHaveLength(1);
    const one = JSON.parse((await roadstead("status", "--stack", "shop", "--json")).stdout);
    expect(one).toMatchObject({ scope: { stack: "shop" }, current: { number: 2 } });
  });

  it("ps lists replicas, releases the releases with their marks", async () => {
    expect((await roadstead("ps", "shop")).stdout).toMatch(
      /shop-production-web-\w+-2 +v2 +current +ready +50 %/,
    );
    const releases = await roadstead("releases");
    expect(releases.stdout).toMatch(/v2 +second .*current/);
    expect(releases.stdout).toMatch(/v1 +first/);
  });

  it("rollout at rest says so", async () => {
    expect((await roadstead("rollout", "shop")).stdout).toContain("at rest, v2 serves");
  });

  it("health --all is one line for each service and exit code 0 when all are well (R-255)", async () => {
    const health = await roadstead("health", "--all");
    expect(health.exitCode).toBe(0);
    expect(health.stdout.trim().split("\n")).toHaveLength(3);
    expect(JSON.parse((await roadstead("health", "web", "--json")).stdout)).toMatchObject({ ok: true });
  });
});

describe("after a deployment", () => {
  it("a stack that never came to be has no status, and that is no error of its own", async () => {
    const client = createClient({ baseUrl: address, token: api.token });
    const ended = (stack: string) =>
      statusAfter(
        client,
        { kind: "deploy", scope: { stack, environment: "production" } },
        AbortSignal.timeout(5000),
      );
    expect(await ended("nowhere")).toEqual({});
    expect((await ended("shop")).status?.current?.number).toBe(2);
  });
});

describe("inside the replicas", () => {
  it("logs prints the last lines with service and replica; --json is one document a line (R-251)", async () => {
    const logs = await roadstead("logs", "--tail", "2", "web");
    expect(logs.exitCode).toBe(0);
    expect(logs.stdout.trim().split("\n")).toHaveLength(2);
    expect(logs.stdout).toMatch(/^web \w{6}-\d \| listening/);
    const lines = (await roadstead("logs", "--json", "--tail", "1", "web")).stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ service: "web", stream: "stdout" }]);
  });

  it("stats prints one sample when nobody watches (R-252)", async () => {
    const stats = await roadstead("stats", "--no-stream");
    expect(stats.exitCode).toBe(0);
    expect(stats.stdout).toMatch(/shop-production-web-\w+-1 +\d+\.\d %/);
    expect(JSON.parse((await roadstead("stats", "--no-stream", "--json")).stdout)).toHaveProperty("replicas");
  });

  it("exec passes both outputs through and tells the command's exit code", async () => {
    const failed = await roadstead("exec", "web", "--", "cat", "--none");
    expect(failed).toMatchObject({ exitCode: 1, stdout: "out" });
    expect(failed.stderr).toContain("err");
    expect(failed.stderr).toContain("exit code 3");
    expect(await roadstead("exec", "nobody", "--", "true")).toMatchObject({ exitCode: 3 });
    expect(await roadstead("exec", "web")).toMatchObject({ exitCode: 2 });
  });
});

describe("names that don't exist (R-250)", () => {
  it.each([
    [["status", "shpo"], "there is no stack shpo", "Did you mean shop?"],
    [["restart", "wbe"], "shop has no service wbe", "Did you mean web?"],
    [["logs", "frontend"], "shop has no service frontend", "Known: web, api."],
    [["rollback", "v9"], "shop has no release v9", "Releases: v2 (second), v1 (first)."],
    [["status", "shop", "--env", "stagin"], "shop does not run in stagin", "Known: production."],
  ])("%j ends with 3 and says what there is", async (words, message, hint) => {
    const outcome = await roadstead(...words);
    expect(outcome).toMatchObject({ exitCode: 3, stdout: "" });
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr).toContain(hint);
  });
});

describe("changing", () => {
  it("rollback goes to a release by name, follows it to the end and tells the way back (R-253)", async () => {
    const back = await roadstead("rollback", "shop", "first", "--reason", "slow pages");
    expect(back.stdout).toMatch(/^✓ shop \(production\) rolled back to v1 \(first\) in /);
    expect(back.exitCode).toBe(0);
    expect(back.stderr).toMatch(/✓ /);
    expect((await roadstead("rollback", "v2")).exitCode).toBe(0);
  });

  it("scale, stop, start and restart end with 0 once it is so (R-257)", async () => {
    expect((await roadstead("scale", "api=2")).exitCode).toBe(0);
    expect((await roadstead("ps")).stdout.match(/-api-\w+-\d .*current/g)).toHaveLength(2);
    expect((await roadstead("stop", "api")).exitCode).toBe(0);
    expect((await roadstead("status")).stdout).toMatch(/api +web +stopped/);
    expect((await roadstead("health", "--all")).exitCode).toBe(0);
    expect((await roadstead("start", "api")).exitCode).toBe(0);
    expect((await roadstead("restart", "web")).exitCode).toBe(0);
    expect((await roadstead("status")).stdout).toMatch(/api +web +healthy/);
  });

  it("--detach answers with the deployment and does not wait", async () => {
    const detached = await roadstead("restart", "web", "--detach", "--json");
    expect(detached.exitCode).toBe(0);
    const { deployment } = JSON.parse(detached.stdout);
    expect(deployment).toMatchObject({ kind: "restart", scope: { stack: "shop" } });
    await api.world.finished(deployment);
  });

  it("tokens are made, used and revoked", async () => {
    const made = await roadstead("token", "create", "ci");
    expect(made).toMatchObject({ exitCode: 0 });
    const secret = made.stdout.trim();
    expect((await roadstead("status", "--token", secret)).exitCode).toBe(0);
    expect((await roadstead("token", "revoke", "ci")).exitCode).toBe(0);
    const refused = await roadstead("status", "--token", secret);
    expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
    expect(refused.stderr).not.toContain(secret);
  });

  it("down without a terminal needs --yes (exit code 4), then removes the stack", async () => {
    const refused = await roadstead("down", "shop");
    expect(refused).toMatchObject({ exitCode: 4, stdout: "" });
    expect(refused.stderr).toContain("its volumes are kept");
    expect((await roadstead("down", "shop", "--yes")).exitCode).toBe(0);
  });
});

describe("no control plane", () => {
  it("ends with 1 and says how to start one", async () => {
    const outcome = await roadstead("status", "--host", "http://127.0.0.1:9");
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toContain("roadstead up");
  });
});
