import { createHmac } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run as runProgram } from "../../src/lib/run.ts";
import { Platform, trio } from "./platform.ts";

type Run = { id: string; state: string; commit: string; failure?: { message: string; lastLines?: string[] } };
type Service = { name: string; replicas: { role: string; startedAt?: number }[] };
type Preview = { name: string; urls: string[]; closing?: string };

/** A forge that is a bare repository and a webhook: from its signed push and pull requests to what serves. */
describe("webhooks of a forge", () => {
  let platform: Platform;
  let work: string;
  let forge: string;
  let hook: { url: string; secret: string };

  beforeAll(async () => {
    platform = await Platform.start({ runtime: "process", edge: "embedded" });
    work = mkdtempSync(join(tmpdir(), "roadstead-work-"));
    forge = mkdtempSync(join(tmpdir(), "roadstead-forge-"));
    await git(forge, "init", "--quiet", "--bare", "--initial-branch=main");
    cpSync(trio, work, { recursive: true });
    await git(work, "init", "--quiet", "--initial-branch=main");
    await git(work, "remote", "add", "origin", forge);
    await platform.ok(["source", "trio", "--url", forge, "--previews", "on", "--preview-quota", "2"]);
    hook = await platform.json(["source", "trio", "--webhook", "gitea"]);
  });
  afterAll(async () => {
    await platform?.stop();
    for (const folder of [work, forge]) rmSync(folder, { recursive: true, force: true });
  });

  async function git(folder: string, ...argv: string[]): Promise<string> {
    const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    const outcome = await runProgram(["git", "-C", folder, ...who, ...argv], {
      env: { PATH: process.env["PATH"] ?? "", HOME: folder },
      timeoutMs: 60_000,
    });
    if (outcome.exitCode !== 0) throw new Error(outcome.stderr);
    return outcome.stdout.trim();
  }

  /** A commit whose services say this version, pushed to the forge under the ref. */
  async function pushed(version: string, ref: string): Promise<string> {
    const text = readFileSync(join(trio, "compose.yaml"), "utf8");
    writeFileSync(join(work, "compose.yaml"), text.replaceAll("VERSION:-1", `VERSION:-${version}`));
    await git(work, "add", "--all");
    await git(work, "commit", "--quiet", "--allow-empty", "-m", `Version ${version}`);
    await git(work, "push", "--quiet", "--force", "origin", `HEAD:${ref}`);
    return await git(work, "rev-parse", "HEAD");
  }

  const repository = { full_name: "acme/trio" };
  const pushBody = (commit: string) =>
    JSON.stringify({
      ref: "refs/heads/main",
      after: commit,
      head_commit: { message: "Version\n", author: { name: "Ada" } },
      repository,
    });
  const pullBody = (action: string, number: number, commit: string) =>
    JSON.stringify({
      action,
      number,
      pull_request: {
        title: `Change ${number}`,
        user: { login: "ada" },
        head: { ref: `change-${number}`, sha: commit, repo: repository },
        base: { ref: "main" },
      },
      repository,
    });

  async function send(event: string, body: string, secret = hook.secret): Promise<Response> {
    return await fetch(hook.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-gitea-event": event,
        "x-gitea-delivery": createHmac("sha1", "id").update(body).digest("hex"),
        "x-gitea-signature": createHmac("sha256", secret).update(body).digest("hex"),
      },
      body,
    });
  }

  async function succeeded(answer: Response): Promise<Run> {
    expect(answer.status).toBe(202);
    const { run } = (await answer.json()) as { run: string };
    const outcome = await platform.cli(["pipeline", "show", run, "--follow", "--json"]);
    expect(outcome.stdout, platform.logTail()).toContain('"succeeded"');
    return JSON.parse(outcome.stdout) as Run;
  }

  function served(host: string, path = "/version"): Promise<string> {
    return new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port: platform.http, path, headers: { host } }, (answer) => {
        let body = "";
        answer.on("data", (piece) => {
          body += piece;
        });
        answer.on("end", () => resolve(answer.statusCode === 200 ? body : `status ${answer.statusCode}`));
      })
        .on("error", reject)
        .end();
    });
  }

  const previews = async () => (await platform.json<{ previews: Preview[] }>(["preview"])).previews;

  it("a signed push is fetched and deployed; forged and repeated ones are not (R-062)", async () => {
    const body = pushBody(await pushed("1", "refs/heads/main"));
    expect((await send("push", body, "guess")).status).toBe(401);
    await succeeded(await send("push", body));
    expect(await served("trio.localhost")).toBe("1");
    expect((await send("push", body)).status).toBe(409);
    expect((await send("push", body.replace("refs/heads/main", "refs/heads/dev"))).status).toBe(204);
    expect((await platform.json<{ runs: Run[] }>(["pipeline"])).runs).toHaveLength(1);
  });

  it("the webhook of one component deploys it alone; the others are not restarted (R-063)", async () => {
    const own = await platform.json<{ url: string; secret: string }>([
      "source",
      "trio",
      "--webhook",
      "plain",
      "--service",
      "front",
    ]);
    const startedAt = async () => {
      const status = await platform.json<{ services: Service[] }>(["status", "trio"]);
      const current = (service: Service) =>
        service.replicas.filter(({ role }) => role === "current").map((replica) => replica.startedAt);
      return Object.fromEntries(status.services.map((service) => [service.name, current(service)]));
    };
    const before = await startedAt();
    writeFileSync(
      join(work, "app.mjs"),
      `${readFileSync(join(trio, "app.mjs"), "utf8")}// Changed for all roles.\n`,
    );
    await pushed("1", "refs/heads/main");
    expect((await fetch(own.url, { method: "POST" })).status).toBe(401);
    const headers = { authorization: `Bearer ${own.secret}` };
    await succeeded(await fetch(own.url, { method: "POST", headers }));
    const after = await startedAt();
    expect(after["front"]).not.toEqual(before["front"]);
    expect({ api: after["api"], worker: after["worker"] }).toEqual({
      api: before["api"],
      worker: before["worker"],
    });
  });

  it("two pull requests are two whole stacks beside production, and a third is beyond the quota", async () => {
    const seven = await pushed("7", "refs/pull/7/head");
    const first = await send("pull_request", pullBody("opened", 7, seven));
    const eight = await pushed("8", "refs/pull/8/head");
    const second = await send("pull_request", pullBody("opened", 8, eight));
    await Promise.all([succeeded(first), succeeded(second)]);
    const through = (host: string) => served(host, "/through");
    // Each front talks to the api of its own stack.
    expect(await through("front.pr-7.trio.localhost")).toBe('{"front":"7","api":"7"}');
    expect(await through("front.pr-8.trio.localhost")).toBe('{"front":"8","api":"8"}');
    expect(await through("trio.localhost")).toBe('{"front":"1","api":"1"}');
    expect(await previews()).toMatchObject([
      { name: "pr-7", urls: [`http://front.pr-7.trio.localhost:${platform.http}`] },
      { name: "pr-8" },
    ]);
    const third = await send("pull_request", pullBody("opened", 9, eight));
    expect(third.status).toBe(403);
    expect(await third.text()).toContain("pr-7, pr-8");
  });

  it("a new commit renews its preview; closing takes it down and leaves the others (R-066)", async () => {
    const again = await pushed("77", "refs/pull/7/head");
    await succeeded(await send("pull_request", pullBody("synchronized", 7, again)));
    expect(await served("front.pr-7.trio.localhost")).toBe("77");
    expect((await send("pull_request", pullBody("closed", 7, again))).status).toBe(202);
    await platform.ok(["preview", "stop", "pr-8"]);
    await expect.poll(previews, { timeout: 60_000, interval: 500 }).toEqual([]);
    for (const number of [7, 8]) {
      expect(await served(`front.pr-${number}.trio.localhost`)).toBe("status 404");
      expect((await platform.cli(["status", "trio", "--env", `pr-${number}`])).exitCode).not.toBe(0);
    }
    expect(await served("trio.localhost", "/through")).toBe('{"front":"1","api":"1"}');
  });
});
