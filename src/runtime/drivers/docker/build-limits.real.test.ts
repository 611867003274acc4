import { globSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../../lib/hash.ts";
import { run } from "../../../lib/run.ts";
import { DockerRuntime } from "../docker.ts";
import { docker, engineProblem, signal } from "./docker-support.ts";

const problem = (await engineProblem()) ?? (await groupProblem());
if (problem !== undefined) it.skip(`build limits (skipped: ${problem})`, () => undefined);

async function groupProblem(): Promise<string | undefined> {
  const { stdout } = await run(["docker", "info", "--format", "{{.CgroupDriver}}"], { timeoutMs: 15_000 });
  if (stdout.trim() !== "cgroupfs") return `the engine's control groups belong to ${stdout.trim()}`;
  return process.getuid?.() === 0 ? undefined : "only root may make control groups";
}

describe.skipIf(problem !== undefined)("builds within limits", () => {
  let folder: string;
  let runtime: DockerRuntime;
  let lines: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "roadstead-limits-"));
    runtime = new DockerRuntime({
      filesDirectory: join(folder, "files"),
      owner: folder,
      buildMemoryBytes: 120_000_000,
    });
    lines = [];
  });
  afterEach(async () => {
    await runtime.close();
    await rm(folder, { recursive: true, force: true });
    const own = `roadstead-builds-${sha256(folder).slice(0, 8)}`;
    expect(globSync([`/sys/fs/cgroup/${own}`, `/sys/fs/cgroup/*/${own}`])).toEqual([]);
  });

  const build = async (dockerfile: string) => {
    const context = join(folder, "context");
    await mkdir(context, { recursive: true });
    await writeFile(join(context, "Dockerfile"), dockerfile);
    const request = { scope: { stack: "limits", environment: "test" }, service: "web" };
    return await runtime.ensureImage(
      { ...request, compose: { build: { context, no_cache: true } } },
      (line) => lines.push(line),
      signal,
    );
  };

  it("names a build that takes more memory than it may (R-058)", async () => {
    const hungry = "const kept = []; for (;;) kept.push(Buffer.alloc(2e7, 1))";
    await expect(build(`FROM node:24-alpine\nRUN node -e '${hungry}'\n`)).rejects.toMatchObject({
      code: "RUNTIME_BUILD_FAILED",
      message: "the build of web failed: build out of memory, it took more than 114 MB",
    });
  });

  it("runs its steps in the group with the limits, and prints its command line (R-047, R-058)", async () => {
    const { digest } = await build("FROM busybox\nRUN grep -E 'cpu:|^0:' /proc/self/cgroup\n");
    expect(lines.some((line) => line.startsWith("$ docker buildx build --load"))).toBe(true);
    expect(lines.join("\n")).toMatch(/roadstead-builds-[0-9a-f]{8}\/buildkit/);
    await docker("image", "rm", "--force", digest);
  });

  it("other failures keep their own words", async () => {
    await expect(build("FROM busybox\nRUN exit 3\n")).rejects.toThrow(/exit code: 3/);
  });
});
