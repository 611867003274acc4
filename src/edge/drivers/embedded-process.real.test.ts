import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLoad } from "../conformance-load-support.ts";
import {
  ask,
  backend,
  createWorld,
  eventually,
  route,
  startBackend,
  type TestService,
  type World,
} from "../conformance-support.ts";
import { type EmbeddedEdge, startEmbeddedEdge } from "./embedded.ts";

const argv = [process.execPath, join(import.meta.dirname, "..", "..", "..", "bin", "edge.ts")] as const;
const signal = () => AbortSignal.timeout(10_000);

/** The process around the data plane: adopted, private, whole again after a worker's death, polite at its end. */
describe("embedded edge process", () => {
  let home: string;
  let edge: EmbeddedEdge;
  let service: TestService;
  let world: World;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "roadstead-edge-"));
    edge = await startEmbeddedEdge({ home, argv });
    service = await startBackend("red");
    world = await createWorld({ edge, close: async () => undefined });
    await eventually(async () => (await edge.health(signal())).workers === 2);
    await world.apply({ routes: [route("app.test", "/", "web")], backends: [backend("web", [service])] });
  });
  afterAll(async () => {
    await edge?.health(signal()).then(
      ({ pid }) => process.kill(pid, "SIGTERM"),
      () => undefined,
    );
    await service?.close();
    await rm(home, { recursive: true, force: true });
  });

  it("is adopted, not started twice, by the next control plane", async () => {
    const { pid } = await edge.health(signal());
    const again = await startEmbeddedEdge({ home, argv });
    expect((await again.health(signal())).pid).toBe(pid);
    expect((await readFile(join(home, "edge", "edge.pid"), "utf8")).trim()).toBe(String(pid));
  });

  it("keeps its socket and its configuration, which holds keys, to its own user", async () => {
    for (const file of ["admin.sock", "config.json", "access.log"])
      expect([file, ((await stat(join(home, "edge", file))).mode & 0o777).toString(8)]).toEqual([
        file,
        "600",
      ]);
  });

  it("replaces a killed worker, with the configuration in force", async () => {
    const { pid } = await edge.health(signal());
    const workers = childrenOf(pid);
    process.kill(workers[0] ?? -1, "SIGKILL");
    await eventually(() => childrenOf(pid).length === 2 && !childrenOf(pid).includes(workers[0] ?? -1));
    await eventually(async () => (await edge.health(signal())).workers === 2);
    for (let n = 0; n < 20; n += 1) expect((await ask(world, "app.test", "/")).status).toBe(200);
    await world.apply({ routes: [route("new.test", "/", "web")], backends: [backend("web", [service])] });
    for (let n = 0; n < 20; n += 1) expect((await ask(world, "new.test", "/")).status).toBe(200);
  });

  it("writes its access log behind the requests, without queries", async () => {
    await ask(world, "new.test", "/logged?token=secret");
    await eventually(async () =>
      (await readFile(join(home, "edge", "access.log"), "utf8")).includes("/logged"),
    );
    const text = await readFile(join(home, "edge", "access.log"), "utf8");
    const line = text.split("\n").find((candidate) => candidate.includes("/logged"));
    expect(JSON.parse(line ?? "")).toMatchObject({
      status: 200,
      target: "red",
      host: "new.test",
      client: "127.0.0.1",
    });
    expect(text).not.toContain("secret");
  });

  it("on SIGTERM finishes the requests it has and ends with 0 workers left", async () => {
    const { pid } = await edge.health(signal());
    const workers = childrenOf(pid);
    const load = startLoad(world, { host: "new.test", path: "/?ms=300", concurrency: 4 });
    await eventually(() => load.report.sent >= 4);
    await eventually(async () =>
      (await edge.observe(signal())).counters.some((counter) => counter.inFlight === 4),
    );
    const ended = load.stop();
    process.kill(pid, "SIGTERM");
    expect((await ended).failures).toEqual([]);
    await eventually(() => [pid, ...workers].every((each) => !alive(each)), 15_000);
  });
});

function childrenOf(pid: number): number[] {
  const text = execFileSync("ps", ["-eo", "pid=,ppid=,stat="], { encoding: "utf8" });
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, state]) => Number(parent) === pid && !state?.startsWith("Z"))
    .map(([child]) => Number(child));
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
