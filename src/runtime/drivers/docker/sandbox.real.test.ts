import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DockerRuntime } from "../docker.ts";
import { DockerStage, docker, engineProblem, engineSocket, signal, until } from "./docker-support.ts";

const problem = await engineProblem();
if (problem !== undefined) it.skip(`docker sandbox (skipped: ${problem})`, () => undefined);

describe.skipIf(problem !== undefined)("a container is confined as the Compose file says", () => {
  let stage: DockerStage;
  beforeEach(async () => {
    stage = await DockerStage.open();
    await stage.resources({});
  });
  afterEach(() => stage.close());

  it("runs read-only, without capabilities, as a user, with tmpfs where asked", async () => {
    const { id } = await stage.start("locked", {
      read_only: true,
      cap_drop: ["ALL"],
      user: "1000:1000",
      tmpfs: ["/scratch:size=1m,mode=1777"],
      security_opt: ["no-new-privileges:true"],
    });
    expect((await stage.inside(id, "id -u; id -g")).out).toBe("1000\n1000");
    expect(await stage.inside(id, "touch /file")).toMatchObject({
      code: 1,
      out: expect.stringMatching(/Read-only/),
    });
    expect((await stage.inside(id, "touch /scratch/file && echo made")).out).toBe("made");
    expect((await stage.inside(id, "head -c 2000000 /dev/zero > /scratch/big")).code).not.toBe(0);
    const status = (await stage.inside(id, "grep -E 'CapBnd|NoNewPrivs' /proc/1/status")).out;
    expect(status).toMatch(/CapBnd:\s+0{16}/);
    expect(status).toMatch(/NoNewPrivs:\s+1/);
  });

  it("enforces limits and tells of a replica killed for its memory", async () => {
    const { id } = await stage.start("limited", {
      pids_limit: 20,
      deploy: { resources: { limits: { cpus: "0.5", memory: "64m" } } },
      ulimits: { nofile: { soft: 512, hard: 1024 } },
      shm_size: "8m",
      sysctls: { "net.core.somaxconn": "333" },
    });
    const config = JSON.parse(await docker("inspect", "--format", "{{json .HostConfig}}", id));
    expect(config).toMatchObject({ Memory: 64 * 1024 ** 2, NanoCpus: 500_000_000, PidsLimit: 20 });
    // Of the replica's own program: older runc versions may give a program of `exec` the hard limit as its soft one.
    const limits = "awk '/Max open files/ { print $4, $5 }' /proc/1/limits; cat /proc/sys/net/core/somaxconn";
    expect((await stage.inside(id, limits)).out).toBe("512 1024\n333");
    expect((await stage.inside(id, "df -k /dev/shm | tail -1")).out).toMatch(/\s8192\s/);
    const forks = await stage.inside(id, "for i in $(seq 60); do sleep 5 & done");
    expect(forks.out).toMatch(/fork|resource/i);
    const greedy = await stage.start("greedy", {
      mem_limit: "16m",
      memswap_limit: "16m",
      restart: "no",
      command: ["sh", "-c", "tail -c 100000000 /dev/zero | wc -c; exit 137"],
      init: false,
    });
    const dead = await until("the kill", async () => {
      const replica = await stage.observe(greedy.id);
      return replica?.state === "exited" ? replica : undefined;
    });
    expect(dead).toMatchObject({ oomKilled: true, exitCode: 137 });
  });

  it("mounts secrets as files with owner and mode, also on a read-only root, and removes them", async () => {
    const content = Buffer.from("hunter2\n");
    const { id } = await stage.start(
      "vault",
      { read_only: true, user: "1000:1000" },
      {
        files: [
          { target: "/run/secrets/password", content, mode: 0o400, uid: 1000, gid: 1000 },
          { target: "/etc/roots-only", content, mode: 0o400 },
        ],
      },
    );
    expect((await stage.inside(id, "cat /run/secrets/password")).out).toBe("hunter2");
    expect((await stage.inside(id, "stat -c '%a %u %g' /run/secrets/password /etc/roots-only")).out).toBe(
      "400 1000 1000\n400 0 0",
    );
    expect((await stage.inside(id, "cat /etc/roots-only")).code).not.toBe(0);
    expect((await stage.inside(id, "echo x > /run/secrets/password")).code).not.toBe(0);
    expect(await docker("inspect", id)).not.toContain("hunter2");
    const folder = join(stage.filesDirectory, "files", id);
    expect(existsSync(folder)).toBe(true);
    await stage.runtime.removeReplica(id, signal);
    expect(existsSync(folder)).toBe(false);
  });

  it("leaves the file's health check to the platform: the engine runs none beside it (R-158)", async () => {
    const { id } = await stage.start("checked", {
      healthcheck: { test: ["CMD-SHELL", "touch /tmp/checked"], interval: "1s", start_period: "0s" },
    });
    expect(await docker("inspect", "--format", "{{json .Config.Healthcheck.Test}}", id)).toBe('["NONE"]');
    expect(await docker("inspect", "--format", "{{if .State.Health}}checks{{else}}none{{end}}", id)).toBe(
      "none",
    );
  });

  it("sends the file's stop signal and waits no longer than the grace period", async () => {
    const polite = await stage.start("polite", {
      stop_signal: "SIGUSR1",
      init: false,
      command: ["sh", "-c", "trap 'echo got USR1; exit 5' USR1; echo up; while :; do sleep 0.1; done"],
    });
    await until("its trap", async () => (await lines(stage)).includes("up"));
    await stage.runtime.stopReplica(polite.id, 10, signal);
    expect(await stage.observe(polite.id)).toMatchObject({ state: "exited", exitCode: 5 });
    expect(await lines(stage)).toContain("got USR1");
  });

  it("is restarted by the engine when it dies, and counts it; not after it was stopped (R-167)", async () => {
    const { id } = await stage.start("crashing", { command: ["sh", "-c", "sleep 0.2; exit 9"], init: false });
    await until("two restarts", async () => ((await stage.observe(id))?.restarts ?? 0) >= 2);
    await stage.runtime.stopReplica(id, 1, signal);
    expect(await docker("inspect", "--format", "{{.State.Status}}", id)).toBe("exited");
  });

  it("kills an exec probe's process at its time limit (R-158)", async () => {
    const { id } = await stage.start("hanging");
    const probe = {
      kind: "exec" as const,
      argv: ["sleep", "4242"],
      shell: false,
      intervalSeconds: 1,
      timeoutSeconds: 1,
      retries: 1,
      startPeriodSeconds: 0,
    };
    expect(await stage.runtime.probe(id, probe, signal)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/within 1 s/),
    });
    await until("its end", async () => !(await stage.inside(id, "ps")).out.includes("sleep 4242"));
  });

  it("runs post_start and pre_stop hooks inside the replica", async () => {
    const hook = (text: string) => ({ command: ["sh", "-c", `echo ${text} $WHO >> /data/log`], user: "0" });
    const { id } = await stage.start("hooked", {
      user: "1000",
      volumes: [{ type: "volume", source: "data", target: "/data" }],
      post_start: [{ ...hook("started"), environment: { WHO: "now" } }],
      pre_stop: [hook("stopping"), { command: ["false"] }, hook("gone")],
    });
    await stage.runtime.stopReplica(id, 1, signal);
    await stage.runtime.removeReplica(id, signal);
    const reader = await stage.start("reader", {
      volumes: [{ type: "volume", source: "data", target: "/data" }],
    });
    expect((await stage.inside(reader.id, "cat /data/log")).out).toBe("started now\nstopping\ngone");
    const failing = stage.start("failing", {
      post_start: [{ command: ["sh", "-c", "echo no >&2; exit 3"] }],
    });
    await expect(failing).rejects.toMatchObject({
      code: "RUNTIME_START_FAILED",
      message: expect.stringMatching(/exit code 3: no/),
    });
  });

  it("ends a job that a killed control plane left behind before it runs the same job again", async () => {
    const spec = await stage.spec("migrate", { command: ["sleep", "600"], init: true });
    const orphaned = new DockerRuntime({
      filesDirectory: stage.filesDirectory,
      owner: "roadstead-test",
      socketPath: engineSocket,
    });
    const names = () =>
      docker("ps", "-a", "--filter", `label=roadstead.stack=${stage.scope.stack}`, "--format", "{{.Names}}");
    const first = orphaned.runJob({ ...spec, jobId: "one", timeoutSeconds: 60 }, () => undefined, signal);
    const outcome = first.catch((error: unknown) => error);
    await until("the first job", async () => (await names()).includes("-job-one"));
    const again = { ...spec, jobId: "two", argv: ["echo", "done"], timeoutSeconds: 60 };
    expect(await stage.runtime.runJob(again, () => undefined, signal)).toMatchObject({ lastLines: ["done"] });
    await outcome;
    await orphaned.close();
    expect(await names()).toBe("");
  });

  it("follows replicas that start later, each line once, in order", async () => {
    const say = (text: string) => ({
      command: ["sh", "-c", `for i in 1 2 3; do echo ${text} $i; done; sleep 600`],
    });
    await stage.start("early", say("early"));
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const line of stage.runtime.logs({ scope: stage.scope, follow: true }, stop.signal))
        seen.push(line.text);
    })();
    await until("the early lines", async () => seen.includes("early 3"));
    await stage.start("late", say("late"));
    await until("the late lines", async () => seen.includes("late 3"));
    stop.abort();
    await reading;
    expect(seen).toEqual(["early 1", "early 2", "early 3", "late 1", "late 2", "late 3"]);
  });

  it("keeps a volume's data and a bind mount's folder when the replica goes", async () => {
    const mounts = [
      { type: "volume" as const, source: "data", target: "/data" },
      { type: "bind" as const, source: join(stage.filesDirectory, "made"), target: "/bound" },
    ];
    const first = await stage.start("store", { volumes: mounts });
    await stage.inside(first.id, "echo kept > /data/file; echo bound > /bound/file");
    await stage.runtime.removeReplica(first.id, signal);
    const second = await stage.start("store", { volumes: mounts }, { revision: "bbbbbbbbbb" });
    expect((await stage.inside(second.id, "cat /data/file /bound/file")).out).toBe("kept\nbound");
  });
});

async function lines(stage: DockerStage): Promise<string[]> {
  const texts: string[] = [];
  for await (const line of stage.runtime.logs({ scope: stage.scope, follow: false }, signal))
    texts.push(line.text);
  return texts;
}
