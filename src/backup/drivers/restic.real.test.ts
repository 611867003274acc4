import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasCode } from "../../lib/platform-error.ts";
import { run } from "../../lib/run.ts";
import { repositoryConformance } from "../conformance.ts";
import { ResticRepository } from "./restic.ts";

const version = await run(["restic", "version"], { timeoutMs: 10_000 }).catch(() => undefined);
if (!version && process.env["CI"] === "true") throw new Error("restic is needed: apt install restic");
if (!version) it.skip("repository restic (skipped: restic is not installed)", () => undefined);

const signal = AbortSignal.timeout(600_000);

function repositoryAt(folder: string, password = "correct horse"): ResticRepository {
  return new ResticRepository({
    program: "restic",
    location: join(folder, "repository"),
    password,
    credentials: {},
    cacheFolder: join(folder, "cache"),
  });
}

/** The largest pack holds the content. */
async function largestPack(folder: string): Promise<string> {
  const data = join(folder, "repository", "data");
  const names = await readdir(data, { recursive: true });
  const found = await Promise.all(
    names.map(async (name) => ({ path: join(data, name), info: await stat(join(data, name)) })),
  );
  const files = found.filter(({ info }) => info.isFile()).sort((a, b) => b.info.size - a.info.size);
  const path = files[0]?.path;
  if (path === undefined) throw new Error("the repository holds no pack");
  await chmod(path, 0o600);
  return path;
}

if (version)
  repositoryConformance("restic", async () => {
    const folder = await mkdtemp(join(tmpdir(), "roadstead-restic-"));
    return {
      repository: repositoryAt(folder),
      again: (key = "own") => repositoryAt(folder, key === "own" ? undefined : "wrong"),
      damage: async (how) => {
        const path = await largestPack(folder);
        const bytes = await readFile(path);
        if (how === "truncate") return await truncate(path, Math.floor(bytes.byteLength * 0.6));
        const at = Math.floor(bytes.byteLength / 2);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        await writeFile(path, bytes);
      },
      close: () => rm(folder, { recursive: true, force: true }),
    };
  });

it.skipIf(!version)("makes no empty repository where one must be", async () => {
  const folder = await mkdtemp(join(tmpdir(), "roadstead-restic-"));
  try {
    await expect(repositoryAt(folder).open(signal, { mustExist: true })).rejects.toThrow();
    expect(await readdir(folder)).not.toContain("repository");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it.skipIf(!version)("names the program when it is not there", async () => {
  const missing = new ResticRepository({
    program: "/nonexistent/restic",
    location: "/nonexistent",
    password: "x",
    credentials: {},
    cacheFolder: "/nonexistent",
  });
  await expect(missing.open(signal)).rejects.toSatisfy((error) => hasCode(error, "BACKUP_TOOL_MISSING"));
});

const isRoot = process.getuid?.() === 0;
if (!isRoot && process.env["CI"] === "true") throw new Error("a small disk can be mounted by root only");

describe.skipIf(!version || !isRoot)("on a disk of 6 MiB (skipped where nothing can be mounted)", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "roadstead-small-"));
    const argv = ["mount", "-t", "tmpfs", "-o", "size=6m", "roadstead-test", folder] as const;
    const mounted = await run(argv, { timeoutMs: 10_000 });
    if (mounted.exitCode !== 0) throw new Error(mounted.stderr);
  });
  afterEach(async () => {
    await run(["umount", folder], { timeoutMs: 10_000 });
    await rm(folder, { recursive: true, force: true });
  });

  it("shows no snapshot when the disk is full, and what was there before stays good (R-282)", async () => {
    const repository = repositoryAt(folder);
    await repository.open(signal);
    const about = {
      scope: "shop/production",
      source: "db",
      kind: "postgres" as const,
      takenAt: 1_000,
      labels: [],
    };
    const kept = await repository.save(about, noise(500_000), signal);
    const stop = AbortSignal.any([signal, AbortSignal.timeout(60_000)]);
    await expect(
      repository.save({ ...about, takenAt: 2_000 }, noise(20_000_000), stop),
    ).rejects.toMatchObject({ code: "BACKUP_REPOSITORY_FULL" });
    const again = repositoryAt(folder);
    await again.open(signal, { mustExist: true });
    expect((await again.list({}, signal)).map(({ id }) => id)).toEqual([kept.id]);
    let size = 0;
    for await (const chunk of again.read(kept.id, signal)) size += chunk.byteLength;
    expect(size).toBe(500_000);
  });
});

/** Bytes that do not compress. */
async function* noise(size: number): AsyncIterable<Uint8Array> {
  for (let left = size; left > 0; left -= 100_000) yield randomBytes(Math.min(left, 100_000));
}
