import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../../lib/run.ts";
import { DockerStage, engineProblem, signal, until } from "./docker-support.ts";

const problem = (await engineProblem()) ?? (await dockerdProblem());
if (problem !== undefined) it.skip(`docker engine restarts (skipped: ${problem})`, () => undefined);

async function dockerdProblem(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "starting an engine of one's own needs root";
  const outcome = await run(["dockerd", "--version"], { timeoutMs: 15_000 }).catch(() => undefined);
  if (outcome?.exitCode === 0) return undefined;
  if (process.env["CI"] === "true") throw new Error("dockerd is not installed");
  return "dockerd is not installed";
}

/** An engine of its own that may be killed: its own default bridge and no packet filter, so that it leaves the machine's alone. */
class OwnEngine {
  readonly folder: string;
  readonly socketPath: string;
  readonly #bridge = `rs${process.pid}`;
  #process: ChildProcess | undefined;

  constructor(folder: string) {
    this.folder = folder;
    this.socketPath = join(folder, "docker.sock");
  }

  async makeBridge(): Promise<void> {
    await ip("link", "add", this.#bridge, "type", "bridge");
    await ip("addr", "add", "10.96.254.1/28", "dev", this.#bridge);
  }

  async start(): Promise<void> {
    const at = (name: string) => join(this.folder, name);
    this.#process = spawn(
      "dockerd",
      [
        ...["--data-root", at("data"), "--exec-root", at("run"), "--pidfile", at("pid")],
        ...[
          "--host",
          `unix://${this.socketPath}`,
          "--bridge",
          this.#bridge,
          "--iptables=false",
          "--live-restore",
        ],
      ],
      { stdio: "ignore" },
    );
    await until("the engine", async () => (await this.cli("version")).exitCode === 0);
  }

  cli(...args: string[]) {
    return run(["docker", "--host", `unix://${this.socketPath}`, ...args], { timeoutMs: 60_000 });
  }

  async stop(how: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill(how);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop("SIGTERM");
    await ip("link", "del", this.#bridge);
    // The engine mounts its data folder on itself and leaves that behind.
    const leftovers = 'umount -l "$1"/data/overlay2/*/merged "$1"/run/netns/* "$1"/data 2>/dev/null';
    await run(["sh", "-c", leftovers, "sh", this.folder], { timeoutMs: 10_000 });
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function ip(...args: string[]): Promise<void> {
  const outcome = await run(["ip", ...args], { timeoutMs: 5000 });
  if (outcome.exitCode !== 0) throw new Error(`ip ${args.join(" ")}: ${outcome.stderr}`);
}

describe.skipIf(problem !== undefined)("the engine goes away and comes back", () => {
  let engine: OwnEngine;
  let stage: DockerStage;

  beforeAll(async () => {
    engine = new OwnEngine(await mkdtemp(join(tmpdir(), "roadstead-engine-")));
    await engine.makeBridge();
    await engine.start();
    const archive = join(engine.folder, "busybox.tar");
    await run(["docker", "save", "--output", archive, "busybox:latest"], { timeoutMs: 60_000 });
    await engine.cli("load", "--input", archive);
    stage = await DockerStage.open(engine.socketPath);
  });

  afterAll(async () => {
    await stage.close();
    await engine.remove();
  });

  it("calls fail with a hint while it is away; watchers listen again; addresses come back (R-114)", async () => {
    const [address] = await stage.resources({ web: ["default"] });
    const web = await stage.start("web", { networks: { default: null } }, { addressing: "proxied" });
    let nudges = 0;
    const watching = new AbortController();
    stage.runtime.watch(() => {
      nudges += 1;
    }, watching.signal);
    await engine.stop("SIGKILL");
    await expect(stage.runtime.observe(stage.scope, signal)).rejects.toMatchObject({
      code: "RUNTIME_UNREACHABLE",
      hint: expect.stringMatching(/engine running/),
    });
    const bridge = (
      await run(["ip", "-o", "-4", "addr", "show", "to", `${address?.host}/32`], { timeoutMs: 5000 })
    ).stdout.split(/\s+/)[1];
    await ip("addr", "del", `${address?.host}/32`, "dev", bridge ?? "");
    await engine.start();
    await until("a nudge", async () => nudges > 0);
    expect(await stage.observe(web.id)).toMatchObject({ state: "running", restarts: 0 });
    const server = createServer().listen(0, address?.host);
    await once(server, "listening");
    server.close();
    watching.abort();
  });
});
