import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RecoveryView } from "../../src/api/contract/recover.ts";
import { type CliOutcome, freePort, Platform, root } from "./platform.ts";

/** The newest server of this host that has its own pg_dump beside it. */
const postgres = globSync("/usr/lib/postgresql/*/bin/pg_dump")
  .map((path) => Number(path.split("/")[4]))
  .filter((major) => existsSync(`/usr/lib/postgresql/${major}/bin/postgres`))
  .sort((a, b) => b - a)[0];
const missing = [
  ...(spawnSync("restic", ["version"]).status === 0 ? [] : ["restic"]),
  ...(postgres === undefined ? ["PostgreSQL with pg_dump"] : []),
];
if (missing.length > 0 && process.env["CI"] !== "true")
  it.skip(`loss of a server (this machine has no ${missing.join(", ")})`, () => undefined);

type Board = { total: number; ships: { name: string }[] };

/** The pids that a home's own records name: nothing else is ever killed. */
function pidsOf(home: string): number[] {
  const replicas = join(home, "process", "replicas");
  const records = readdirSync(replicas).filter((name) => name.endsWith(".json"));
  const running = records.flatMap((name) => {
    const { process: found } = JSON.parse(readFileSync(join(replicas, name), "utf8")) as {
      process?: { pid: number };
    };
    return found ? [found.pid] : [];
  });
  return [controlPlaneOf(home), Number(readFileSync(join(home, "edge", "edge.pid"), "utf8")), ...running];
}

function controlPlaneOf(home: string): number {
  return (JSON.parse(readFileSync(join(home, "control-plane.pid"), "utf8")) as { pid: number }).pid;
}

/** The product on another home than that of the platform under test. */
function cliOf(home: string, args: readonly string[]): Promise<CliOutcome> {
  return new Promise((resolve, reject) => {
    const argv = [join(root, "bin/cli.ts"), "--home", home, ...args];
    const env = { ...process.env, NO_COLOR: "1" };
    const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    const outcome = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => {
      outcome.stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      outcome.stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 128, ...outcome }));
  });
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It had ended by itself; anything else is a fault of the test.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function until<T>(look: () => Promise<T | undefined>, limitMs: number): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function get(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, agent: false, headers: { host: "harbor.localhost" } };
    const call = request(options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    call.on("error", reject);
    call.end();
  });
}

describe.skipIf(missing.length > 0 && process.env["CI"] !== "true")("the loss of a server", () => {
  // Database servers run as another user than root: the folder must let them pass.
  const folder = mkdtempSync(join(tmpdir(), "roadstead-loss-"));
  const lost = join(folder, "lost");
  const fresh = join(folder, "fresh");
  const repository = join(folder, "repository");
  const keyFile = join(folder, "key");
  let old: Platform;
  let ports = { api: 0, http: 0, https: 0 };
  let before: Board;

  const recover = (more: readonly string[] = []): Promise<CliOutcome> => {
    const at = (port: number) => `127.0.0.1:${port}`;
    const places = ["--api", at(ports.api), "--http", at(ports.http), "--https", at(ports.https)];
    const from = ["recover", "--from", repository, "--key-file", keyFile];
    return cliOf(fresh, [...from, ...places, "--json", ...more]);
  };
  const seen = async (): Promise<RecoveryView | undefined> => {
    const token = readFileSync(join(fresh, "token"), "utf8").trim();
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`http://127.0.0.1:${ports.api}/api/v1/recover`, { headers });
    return ((await answer.json()) as { recovery?: RecoveryView }).recovery;
  };

  beforeAll(async () => {
    spawnSync("chmod", ["711", folder]);
    ports = { api: await freePort(), http: await freePort(), https: await freePort() };
    old = await Platform.start({ runtime: "process", edge: "embedded" });
    const stack = join(folder, "harbor");
    cpSync(join(root, "examples/harbor"), stack, { recursive: true });
    const file = join(stack, "compose.yaml");
    // The server whose own tools the hosts of CI have.
    writeFileSync(file, readFileSync(file, "utf8").replace("postgres:17", `postgres:${postgres}`));
    await old.ok(["deploy", "-f", file]);
    const added = await old.json<{ key: string }>(["backup", "repository", "add", "offsite", repository]);
    writeFileSync(keyFile, `${added.key}\n`, { mode: 0o600 });
    before = JSON.parse((await get(old.http, "/api/board")).body) as Board;
    await old.ok(["backup", "run", "-s", "harbor"]);
    await old.ok(["recover", "save"]);
    await old.ok(["recover", "check"]);
    for (const pid of pidsOf(old.home)) killNow(pid);
    renameSync(old.home, lost);
  }, 240_000);

  afterAll(async () => {
    if (existsSync(fresh)) await cliOf(fresh, ["down", "--all", "--platform", "--volumes", "--yes"]);
    if (existsSync(old.home)) await old.cli(["down", "--platform", "--yes"]);
    for (const path of [old.home, folder]) rmSync(path, { recursive: true, force: true });
  }, 60_000);

  it("shows what there is and asks before anything is done, and keeps away from a host in use (R-148)", async () => {
    const asked = await recover();
    expect(asked.exitCode).toBe(4);
    expect(asked.stderr).toContain("harbor/production");
    expect(existsSync(fresh)).toBe(false);
    mkdirSync(fresh);
    writeFileSync(join(fresh, "something"), "of somebody");
    const refused = await recover(["--yes"]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("is not empty");
    expect(readFileSync(join(fresh, "something"), "utf8")).toBe("of somebody");
    rmSync(fresh, { recursive: true });
  }, 60_000);

  it("brings control plane, images and data back, also when it is killed half-way (R-148, R-216)", async () => {
    const first = recover(["--yes"]);
    const half = async () => ((await seen())?.stacks[0]?.items[0]?.state === "restoring" ? true : undefined);
    await until(half, 120_000);
    killNow(controlPlaneOf(fresh));
    expect((await first).exitCode).not.toBe(0);
    const again = await recover(["--yes"]);
    expect(again.stderr).toContain("going on with the stacks");
    expect({ exitCode: again.exitCode, stderr: again.stderr }).toMatchObject({ exitCode: 0 });
    const recovery = JSON.parse(again.stdout) as RecoveryView;
    expect(recovery).toMatchObject({ state: "done", epoch: 1 });
    expect(recovery.stacks[0]).toMatchObject({
      state: "done",
      number: 1,
      items: [{ name: "db", verdict: "verified" }],
    });
    expect(recovery.stacks[0]?.routes.map(({ ok }) => ok)).toEqual([true, true]);
    expect((await get(ports.http, "/")).status).toBe(200);
    const board = await get(ports.http, "/api/board");
    expect(board.status).toBe(200);
    expect((JSON.parse(board.body) as Board).total).toBeGreaterThanOrEqual(before.total);
  }, 240_000);

  it("keeps the old host from serving and changing anything once it comes back (R-205)", async () => {
    renameSync(lost, old.home);
    await old.up();
    const answer = await until(async () => {
      const now = await get(old.http, "/api/board");
      return now.status === 503 ? now : undefined;
    }, 30_000);
    expect(answer.body).toContain("FENCED");
    const replicas = join(old.home, "process", "replicas");
    const states = readdirSync(replicas)
      .filter((name) => name.endsWith(".json"))
      .map((name) => (JSON.parse(readFileSync(join(replicas, name), "utf8")) as { state: string }).state);
    expect(states).not.toContain("running");
    const refused = await old.cli(["restart", "-s", "harbor"]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("another host has taken over");
    expect((await get(ports.http, "/api/board")).status).toBe(200);
  }, 90_000);
});
