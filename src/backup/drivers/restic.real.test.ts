import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
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
