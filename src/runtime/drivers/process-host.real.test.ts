import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../lib/run.ts";
import type { ReplicaId } from "../../rollout/ids.ts";
import type { ComposeService } from "../../stack/compose-model.ts";
import { httpProbe, signal, timing, until } from "../conformance-support.ts";
import type { ReplicaSpec } from "../port.ts";
import { ProcessRuntime } from "./process.ts";
import { specFor } from "./process-crash-support.ts";

const checkout = resolve(import.meta.dirname, "../../..");
const programs = join(checkout, "test/fixtures/programs");
const script = join(import.meta.dirname, "process-crash-support.ts");
const serve: ComposeService = { build: { context: programs }, command: ["node", "echo.mjs", "serve"] };
const homes: string[] = [];
let home = "";
let runtime: ProcessRuntime;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "roadstead-host-"));
  homes.push(home);
  await run(["chmod", "711", home], { timeoutMs: 5000 });
  runtime = new ProcessRuntime({ home });
});
afterEach(async () => {
  for (const { id } of await runtime.observe("all", signal)) await runtime.removeReplica(id, signal);
  await runtime.close();
  await rm(home, { recursive: true, force: true });
});
afterAll(async () => {
  const left = await Promise.all(homes.map((path) => run(["pgrep", "-f", path], { timeoutMs: 5000 })));
  expect(left.map(({ stdout }) => stdout).join("")).toBe("");
});

async function controlPlane(
  action: "start" | "job",
  compose: ComposeService,
): Promise<[ChildProcess, string]> {
  const child = spawn(process.execPath, [script, home, action, JSON.stringify(compose)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return [child, line.toString().trim()];
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function reopen(): Promise<void> {
  await runtime.close();
  runtime = new ProcessRuntime({ home });
}

async function ready(spec: ReplicaSpec): Promise<string> {
  await runtime.startReplica(spec, signal);
  await until("an answer", async () => (await runtime.probe(spec.id, httpProbe, signal)).ok);
  const [replica] = (await runtime.observe("all", signal)).filter(({ id }) => id === spec.id);
  return `http://${replica?.host}:${replica?.portMap[8080] ?? 8080}`;
}

const get = async (url: string) => (await fetch(url, { headers: { connection: "close" } })).text();

describe("a control plane that is killed", () => {
  it("leaves its replicas to the next one, which notices their end", async () => {
    const [child, id] = await controlPlane("start", serve);
    await kill(child);
    await reopen();
    await until("an answer", async () => (await runtime.probe(id as ReplicaId, httpProbe, signal)).ok);
    const [before] = await runtime.observe("all", signal);
    expect(before).toMatchObject({ id, state: "running" });
    let nudges = 0;
    runtime.watch(() => {
      nudges += 1;
    }, signal);
    await get(`http://${before?.host}:${before?.portMap[8080]}/crash`);
    await until("a nudge", async () => nudges > 0);
    const [after] = await runtime.observe("all", signal);
    expect(after?.state).toBe("exited");
    expect(after?.exitCode).toBeUndefined();
    const lines: string[] = [];
    const query = { scope: { stack: "crash", environment: "test" }, follow: false };
    for await (const { text } of runtime.logs(query, signal)) lines.push(text);
    expect(lines).toContain("asked to crash");
  });

  it("loses no replica that was started but not yet noted", async () => {
    const spec = await specFor(runtime, serve);
    const url = await ready(spec);
    const pid = await get(`${url}/pid`);
    await runtime.close();
    const path = join(home, "process", "replicas", `${spec.id}.json`);
    const { process: _noted, startedAt: _at, ...record } = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...record, state: "created" }));
    await reopen();
    expect(await runtime.observe("all", signal)).toEqual([expect.objectContaining({ state: "running" })]);
    await runtime.startReplica(spec, signal);
    expect(await get(`${url}/pid`)).toBe(pid);
  });

  it("takes no stranger for its replica when a pid was given out again", async () => {
    const spec = await specFor(runtime, serve);
    await ready(spec);
    await runtime.stopReplica(spec.id, 10, signal);
    await runtime.close();
    const stranger = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    try {
      const path = join(home, "process", "replicas", `${spec.id}.json`);
      const record = JSON.parse(await readFile(path, "utf8"));
      const process = { ...record.process, pid: stranger.pid };
      await writeFile(path, JSON.stringify({ ...record, state: "running", process }));
      await reopen();
      expect(await runtime.observe("all", signal)).toEqual([expect.objectContaining({ state: "exited" })]);
      await runtime.stopReplica(spec.id, 0, signal);
      await runtime.removeReplica(spec.id, signal);
      expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
    } finally {
      await kill(stranger);
    }
  });

  it("ends the job that it left behind, so that it never runs twice", async () => {
    const [child] = await controlPlane("job", { ...serve, command: ["node", "echo.mjs", "hang"] });
    const { stdout } = await run(["pgrep", "-f", "echo.mjs hang"], { timeoutMs: 5000 });
    expect(stdout).not.toBe("");
    await kill(child);
    await reopen();
    await runtime.observe("all", signal);
    await until("the end of the job", async () => {
      const found = await run(["pgrep", "-f", "echo.mjs hang"], { timeoutMs: 5000 });
      return !found.stdout.split("\n").some((pid) => stdout.split("\n").includes(pid) && pid !== "");
    });
    const left = await readdir(join(home, "process"), { recursive: true });
    expect(left.filter((name) => name.includes("job_1"))).toEqual([]);
  });
});

describe("snapshots", () => {
  const dockerfile = "FROM node:24-alpine\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n";
  const program = (text: string) =>
    `import { createServer } from "node:http";\ncreateServer((_, r) => r.end("${text}")).listen(process.env.PORT, process.env.HOST);\n`;

  async function context(files: Record<string, string>): Promise<string> {
    const folder = join(home, "source");
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, ".."), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return folder;
  }

  it("keep an image as it was built, whatever happens to its source", async () => {
    const folder = await context({
      Dockerfile: "FROM node\nWORKDIR /app\nCOPY . .\n",
      "main.mjs": program("old"),
    });
    const compose = { build: { context: folder }, command: ["node", "/app/main.mjs"] };
    const old = await specFor(runtime, compose, { service: "old" });
    await writeFile(join(folder, "main.mjs"), program("new"));
    const fresh = await specFor(runtime, compose, { service: "new" });
    expect(fresh.image.digest).not.toBe(old.image.digest);
    const any = { kind: "tcp" as const, port: 8080, ...timing };
    for (const spec of [old, fresh]) {
      await runtime.startReplica(spec, signal);
      await until("a port", async () => (await runtime.probe(spec.id, any, signal)).ok);
      const [replica] = (await runtime.observe("all", signal)).filter(({ id }) => id === spec.id);
      expect(await get(`http://${replica?.host}:${replica?.portMap[8080]}/`)).toBe(spec.service);
    }
    const request = { scope: old.scope, service: "old", compose, digest: old.image.digest };
    expect((await runtime.ensureImage(request, () => undefined, signal)).digest).toBe(old.image.digest);
  });

  it("leave out what .dockerignore names, and do not change with it", async () => {
    const folder = await context({
      Dockerfile: "FROM node\nCOPY . .\n",
      ".dockerignore": "notes\n*.log\n",
      "main.mjs": "",
      "notes/a.txt": "1",
    });
    const digest = async () =>
      (await specFor(runtime, { build: { context: folder }, command: ["node", "main.mjs"] })).image.digest;
    const first = await digest();
    await writeFile(join(folder, "notes/a.txt"), "2");
    await writeFile(join(folder, "debug.log"), "2");
    await mkdir(join(folder, ".git"));
    await writeFile(join(folder, ".git/HEAD"), "2");
    expect(await digest()).toBe(first);
    await writeFile(join(folder, "main.mjs"), "// changed");
    expect(await digest()).not.toBe(first);
  });

  it("are built once, with the package's own build script", async () => {
    const build = 'node -e \'require("fs").writeFileSync("built.mjs", "console.log(`built`)")\'';
    const folder = await context({
      Dockerfile: `${dockerfile}CMD ["node", "built.mjs"]\n`,
      "package.json": JSON.stringify({ name: "app", version: "1.0.0", scripts: { build } }),
      "package-lock.json": JSON.stringify({
        ...{ name: "app", version: "1.0.0", lockfileVersion: 3, requires: true },
        packages: { "": { name: "app", version: "1.0.0" } },
      }),
    });
    const lines: string[] = [];
    const request = {
      scope: { stack: "s", environment: "e" },
      service: "web",
      compose: { build: { context: folder } },
    };
    const first = await runtime.ensureImage(request, (line) => lines.push(line), signal);
    expect(lines).toEqual(expect.arrayContaining(["$ npm ci --no-audit --no-fund", "$ npm run build"]));
    lines.length = 0;
    expect(await runtime.ensureImage(request, (line) => lines.push(line), signal)).toEqual(first);
    expect(lines).toEqual([]);
    const spec = await specFor(runtime, request.compose);
    const job = { ...spec, jobId: "job_2", timeoutSeconds: 60 };
    expect(await runtime.runJob(job, () => undefined, signal)).toMatchObject({ lastLines: ["built"] });
  });

  it("are not kept when their build fails", async () => {
    const folder = await context({
      Dockerfile: "FROM node\nCOPY . .\nRUN npm run build\n",
      "package.json": JSON.stringify({
        scripts: { build: "node -e 'console.log(`boom`); process.exit(9)'" },
      }),
    });
    const lines: string[] = [];
    const request = {
      scope: { stack: "s", environment: "e" },
      service: "web",
      compose: { build: { context: folder } },
    };
    for (const _attempt of [1, 2])
      await expect(runtime.ensureImage(request, (line) => lines.push(line), signal)).rejects.toMatchObject({
        code: "RUNTIME_BUILD_FAILED",
      });
    expect(lines.filter((line) => line === "boom")).toHaveLength(2);
  });

  it("of a server's image are refused by its name, even where a program of that name is installed", async () => {
    const folder = await context({ Dockerfile: "FROM node AS build\nFROM nginx:alpine\nCOPY . /site\n" });
    const request = {
      scope: { stack: "s", environment: "e" },
      service: "page",
      compose: { build: { context: folder } },
    };
    await expect(runtime.ensureImage(request, () => undefined, signal)).rejects.toMatchObject({
      code: "RUNTIME_UNSUPPORTED",
      message: "an image built from nginx:alpine needs a container engine",
    });
  });
});

describe("programs on this machine", () => {
  it("take their children along when they stop", async () => {
    const command = ["/bin/sh", "-c", "node echo.mjs hang & exec node echo.mjs serve"];
    const spec = await specFor(runtime, { ...serve, command });
    await ready(spec);
    const [before] = await runtime.stats("all", signal);
    expect(before?.pids).toBe(2);
    const { process: main } = JSON.parse(
      await readFile(join(home, "process", "replicas", `${spec.id}.json`), "utf8"),
    );
    await runtime.stopReplica(spec.id, 10, signal);
    await until("an empty group", async () => {
      const { stdout } = await run(["pgrep", "-g", String(main.pid)], { timeoutMs: 5000 });
      return stdout === "";
    });
  });

  it("find each other at their services' addresses, whoever listens there", async () => {
    const api = await specFor(runtime, serve, { service: "api", addressing: "direct" });
    const place = await ready(api);
    expect(place).toBe(`http://${api.addresses[0]?.host}:8080`);
    const web = await specFor(runtime, serve, {
      service: "web",
      addresses: api.addresses,
      environment: { API_URL: "http://api:8080/", PORT: "8080", HOST: "0.0.0.0" },
    });
    const seen = JSON.parse(await get(`${await ready(web)}/env`));
    expect(await get(seen.API_URL)).toBe("hello");
    expect(seen.HOST).toBe("127.0.0.1");
    expect(seen.PORT).not.toBe("8080");
    expect(seen.FROM_IMAGE).toBe("yes");
  });

  it("see nothing of the control plane's environment", async () => {
    process.env["ROADSTEAD_TEST_SECRET"] = "do not pass on";
    const url = await ready(await specFor(runtime, serve));
    delete process.env["ROADSTEAD_TEST_SECRET"];
    expect(await get(`${url}/env`)).not.toContain("do not pass on");
  });

  it("run from a bind mount under the Node of this machine", async () => {
    const folder = join(home, "project");
    await cp(programs, folder, { recursive: true });
    const compose: ComposeService = {
      image: "node:24-alpine",
      working_dir: "/app",
      volumes: [{ type: "bind", source: folder, target: "/app" }],
      command: ["node", "echo.mjs"],
    };
    const spec = await specFor(runtime, compose);
    expect(spec.image.description).toMatch(/^Node \d+\.\d+\.\d+, local server for node:24-alpine$/);
    expect(await get(await ready(spec))).toBe("hello");
  });

  it("that cannot be started leave nothing behind", async () => {
    const spec = await specFor(runtime, { ...serve, command: ["no-such-program"] });
    await expect(runtime.startReplica(spec, signal)).rejects.toMatchObject({ code: "RUNTIME_START_FAILED" });
    expect(await runtime.observe("all", signal)).toEqual([]);
  });
});

const readable = process.getuid?.() === 0 && !checkout.startsWith("/root");
describe.skipIf(!readable)(
  `as an ordinary user${readable ? "" : " (skipped: needs root to become somebody else, and a checkout they can read)"}`,
  () => {
    it("runs programs and PostgreSQL without root", async () => {
      const other = join(home, "ordinary");
      await mkdir(other);
      await run(["chown", "nobody", other], { timeoutMs: 5000 });
      const setpriv = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath];
      const environment = JSON.stringify({ POSTGRES_PASSWORD: "x" });
      const child = spawn(
        "setpriv",
        [...setpriv, script, other, "start", '{"image":"postgres:17"}', environment],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      const [id] = (await once(child.stdout, "data")) as [Buffer];
      const adopted = new ProcessRuntime({ home: other });
      const isReady = { kind: "exec" as const, argv: ["pg_isready"], shell: false, ...timing };
      const replica = id.toString().trim() as ReplicaId;
      await until("the database", async () => (await adopted.probe(replica, isReady, signal)).ok);
      await kill(child);
      await adopted.removeReplica(replica, signal);
      await adopted.close();
    });

    it("says which folder is closed to the database's user", async () => {
      await run(["chmod", "700", home], { timeoutMs: 5000 });
      const spec = await specFor(
        runtime,
        { image: "postgres:17" },
        { environment: { POSTGRES_PASSWORD: "x" } },
      );
      await expect(runtime.startReplica(spec, signal)).rejects.toMatchObject({
        code: "RUNTIME_START_FAILED",
        hint: expect.stringContaining(`chmod o+x ${home}`),
      });
    });
  },
);
