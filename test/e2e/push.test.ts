import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run as runProgram } from "../../src/lib/run.ts";
import { Platform, trio } from "./platform.ts";

type Run = {
  id: string;
  state: string;
  commit: string;
  failure?: { phase: string; message: string; lastLines?: string[] };
  phases: { name: string; state: string }[];
};

/** From a commit to the running version with plain git, and with the control plane killed on the way. */
describe("git push to a bare Roadstead", () => {
  let platform: Platform;
  let work: string;

  beforeAll(async () => {
    platform = await Platform.start({ runtime: "process", edge: "embedded" });
    work = mkdtempSync(join(tmpdir(), "roadstead-push-"));
    cpSync(trio, work, { recursive: true });
    await git("init", "--quiet", "--initial-branch=main");
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(work, { recursive: true, force: true });
  });

  const url = () => `http://127.0.0.1:${platform.api}/git/trio.git`;
  const token = () => readFileSync(join(platform.home, "token"), "utf8").trim();

  async function git(...argv: string[]): Promise<{ exitCode: number; said: string }> {
    const env = {
      ...(process.env as Record<string, string>),
      GIT_TERMINAL_PROMPT: "0",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.extraHeader",
      GIT_CONFIG_VALUE_0: argv[0] === "push" ? `Authorization: Bearer ${token()}` : "X-None: 1",
    };
    const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    const outcome = await runProgram(["git", "-C", work, ...who, ...argv], { env, timeoutMs: 120_000 });
    return { exitCode: outcome.exitCode, said: outcome.stdout + outcome.stderr };
  }

  async function commit(files: Record<string, string>, subject: string): Promise<string> {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text);
    await git("add", "--all");
    await git("commit", "--quiet", "-m", subject);
    return (await git("rev-parse", "HEAD")).said.trim();
  }

  const setVersion = (version: string) => {
    const text = readFileSync(join(trio, "compose.yaml"), "utf8").replaceAll(
      "VERSION:-1",
      `VERSION:-${version}`,
    );
    return { "compose.yaml": text };
  };

  function served(path = "/version"): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: platform.http, path, headers: { host: "trio.localhost" } };
      request(options, (answer) => {
        let body = "";
        answer.on("data", (chunk) => {
          body += chunk;
        });
        answer.on("end", () => resolve(body));
      })
        .on("error", reject)
        .end();
    });
  }

  async function newestRun(): Promise<Run | undefined> {
    return (await platform.json<{ runs: Run[] }>(["pipeline"])).runs[0];
  }

  it("refuses a push without a token", async () => {
    const outcome = await runProgram(["git", "ls-remote", url()], {
      env: { PATH: process.env["PATH"] ?? "", GIT_TERMINAL_PROMPT: "0", HOME: work },
      timeoutMs: 20_000,
    });
    expect(outcome.exitCode).not.toBe(0);
    expect(await platform.json(["source"])).toEqual({ sources: [] });
  });

  it("answers at its address after the first push, with the log in the pusher's terminal", async () => {
    const id = await commit(setVersion("1"), "The first");
    const { exitCode, said } = await git("push", url(), "main");
    expect(exitCode).toBe(0);
    expect(said).toMatch(/remote: ✓ trio \(production\) serves [0-9a-f]{7} after/);
    expect(said).toContain(`http://trio.localhost:${platform.http}`);
    expect(await newestRun()).toMatchObject({ state: "succeeded", commit: id });
    expect(await served()).toContain("1");
  });

  it("deploys what is committed, not what lies about", async () => {
    await commit(setVersion("2"), "The second");
    writeFileSync(join(work, "app.mjs"), "broken on this laptop {");
    const { said } = await git("push", url(), "main");
    await git("checkout", "--", "app.mjs");
    expect(said).toContain("✓ trio (production) serves");
    expect(await served()).toContain("2");
  });

  it("deploys nothing when a job fails, and says why in the terminal", async () => {
    const manifest = {
      name: "trio",
      version: "1.0.0",
      private: true,
      scripts: { test: "echo 1 test failed; exit 1" },
    };
    const lock = {
      name: "trio",
      version: "1.0.0",
      lockfileVersion: 3,
      packages: { "": { name: "trio", version: "1.0.0" } },
    };
    await commit(
      {
        ...setVersion("3"),
        "package.json": JSON.stringify(manifest),
        "package-lock.json": JSON.stringify(lock),
      },
      "Broken",
    );
    const { exitCode, said } = await git("push", url(), "main");
    expect(exitCode).toBe(0);
    expect(said).toMatch(/remote: ✗ failed after .* in jobs: trio: npm .*exit code 1/);
    expect(said).toContain("1 test failed");
    expect(await served()).toContain("2");
  });

  it("names every mistake of the stack file with its line", async () => {
    await git("rm", "--quiet", "package.json", "package-lock.json");
    const id = await commit(
      { "compose.yaml": "services:\n  web:\n    imagee: nginx\n    ports: 7\n" },
      "Typos",
    );
    const { said } = await git("push", url(), "main");
    expect(said).toMatch(/compose\.yaml:3:\d+: services\.web/);
    expect(said).toMatch(/compose\.yaml:4:\d+: services\.web\.ports/);
    expect(await newestRun()).toMatchObject({ state: "failed", commit: id, failure: { phase: "fetch" } });
  });

  it.each(["jobs", "deploy"])(
    "kill -9 of the control plane in %s: the run ends all the same, once",
    async (phase) => {
      const slow = { test: "sleep 2; echo passed" };
      const manifest = { name: "trio", version: "1.0.0", private: true, scripts: slow };
      const lock = {
        name: "trio",
        version: "1.0.0",
        lockfileVersion: 3,
        packages: { "": { name: "trio", version: "1.0.0" } },
      };
      const version = phase === "jobs" ? "4" : "5";
      const id = await commit(
        {
          ...setVersion(version),
          "package.json": JSON.stringify(manifest),
          "package-lock.json": JSON.stringify(lock),
        },
        `Killed in ${phase}`,
      );
      const pushed = git("push", url(), "main");
      await expect
        .poll(async () => (await newestRun())?.phases.find(({ name }) => name === phase)?.state, {
          timeout: 60_000,
          interval: 20,
        })
        .toBe("running");
      const record = JSON.parse(readFileSync(join(platform.home, "platform.json"), "utf8")) as {
        pid: number;
      };
      process.kill(record.pid, "SIGKILL");
      await expect.poll(() => isAlive(record.pid), { timeout: 10_000, interval: 20 }).toBe(false);
      // git speaks through the control plane, so it sees the line break; the commit is stored and its run goes on.
      await pushed;
      await platform.up();
      await expect
        .poll(async () => (await newestRun())?.state, { timeout: 90_000, interval: 200 })
        .toBe("succeeded");
      expect(await newestRun()).toMatchObject({ commit: id });
      expect(await served()).toContain(version);
    },
  );
});

/** A process that is being killed holds its home for a moment more. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
