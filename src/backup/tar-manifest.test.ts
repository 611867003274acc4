import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../lib/run.ts";
import { TarManifest, withTarManifest } from "./tar-manifest.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "roadstead-tar-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(root: string, change: Readonly<Record<string, string>> = {}): Promise<void> {
  const files = { "a.txt": "a", [`deep/${"long".repeat(40)}/b.bin`]: "b".repeat(5000), ...change };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(root, name, ".."), { recursive: true });
    await writeFile(join(root, name), content);
    await chmod(join(root, name), 0o640);
  }
  await symlink("a.txt", join(root, "link"));
}

async function archive(root: string, format: "posix" | "gnu"): Promise<Buffer> {
  const file = join(folder, "archive.tar");
  const argv = [
    "tar",
    "--create",
    `--format=${format}`,
    "--numeric-owner",
    "-C",
    root,
    "-f",
    file,
    ".",
  ] as const;
  expect((await run(argv, { timeoutMs: 20_000 })).exitCode).toBe(0);
  const { readFile } = await import("node:fs/promises");
  return await readFile(file);
}

function manifestOf(bytes: Buffer, piece = 1000) {
  const counted = new TarManifest();
  for (let at = 0; at < bytes.byteLength; at += piece) counted.push(bytes.subarray(at, at + piece));
  return counted.finish("files", 5);
}

describe("the manifest of an archive (R-139, R-143)", () => {
  it("is the same however the bytes are cut, and in both formats", async () => {
    await write(join(folder, "one"));
    const [posix, gnu] = [
      await archive(join(folder, "one"), "posix"),
      await archive(join(folder, "one"), "gnu"),
    ];
    const whole = manifestOf(posix, posix.byteLength);
    expect(whole).toMatchObject({ engine: "tar", takenAt: 5, sizeBytes: posix.byteLength });
    // Two files and a link; folders count in the digest only.
    expect(whole.parts).toEqual([
      { name: "files", rows: 3, checksum: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(manifestOf(posix, 7)).toEqual(whole);
    expect(manifestOf(gnu).parts).toEqual(whole.parts);
  });

  it.each([
    ["one byte of one file", { "a.txt": "b" }],
    ["one more file", { "c.txt": "" }],
    ["another name", { "deep/b.bin": "b" }],
  ])("tells %s apart", async (_what, change) => {
    await write(join(folder, "one"));
    await write(join(folder, "two"), change);
    const one = manifestOf(await archive(join(folder, "one"), "posix")).parts;
    expect(manifestOf(await archive(join(folder, "two"), "posix")).parts).not.toEqual(one);
  });

  it("refuses an archive that breaks off, and one whose headers do not fit", async () => {
    await write(join(folder, "one"));
    const bytes = await archive(join(folder, "one"), "posix");
    expect(() => manifestOf(bytes.subarray(0, Math.floor(bytes.byteLength * 0.6)))).toThrow(
      /breaks off|no tar/,
    );
    const turned = Buffer.from(bytes);
    turned[10] = (turned[10] ?? 0) ^ 1;
    expect(() => manifestOf(turned)).toThrow("no tar archive");
  });

  it("passes every byte on and knows the manifest at the end", async () => {
    await write(join(folder, "one"));
    const bytes = await archive(join(folder, "one"), "posix");
    const passing = withTarManifest(
      (async function* () {
        yield bytes.subarray(0, 700);
        yield bytes.subarray(700);
      })(),
      "files",
      5,
    );
    const seen: Uint8Array[] = [];
    for await (const chunk of passing.content) seen.push(chunk);
    expect(Buffer.concat(seen).equals(bytes)).toBe(true);
    expect(await passing.manifest()).toEqual(manifestOf(bytes));
  });
});
