import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareManifests } from "../../policy/backup-verdict.ts";
import { SqliteSource } from "./sqlite.ts";

const signal = AbortSignal.timeout(120_000);
let folder: string;
let file: string;
let writer: DatabaseSync;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "roadstead-sqlite-"));
  file = join(folder, "app.db");
  writer = new DatabaseSync(file);
  writer.exec("PRAGMA journal_mode = WAL; CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)");
  writer.exec('CREATE TABLE "odd ""name" (x); CREATE INDEX by_name ON users (name)');
  const insert = writer.prepare("INSERT INTO users (name) VALUES (?)");
  for (let n = 0; n < 500; n += 1) insert.run(`user ${n}`);
});
afterEach(async () => {
  writer.close();
  await rm(folder, { recursive: true, force: true });
});

const work = () => join(folder, "work");
const source = () => new SqliteSource(work(), () => 7);

async function dumped(): Promise<{
  bytes: Buffer;
  manifest: Awaited<ReturnType<SqliteSource["prove"]>>["manifest"];
}> {
  const dump = await source().dump(file, signal);
  const chunks: Uint8Array[] = [];
  for await (const chunk of dump.content) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), manifest: await dump.manifest() };
}

async function* stream(bytes: Buffer): AsyncIterable<Uint8Array> {
  yield bytes;
}

describe("source sqlite (R-142, R-143, R-258)", () => {
  it("copies what is committed while a writer is at work, and is restored the same", async () => {
    writer.exec("BEGIN; DELETE FROM users");
    const { bytes, manifest } = await dumped();
    writer.exec("ROLLBACK");
    expect(manifest).toMatchObject({ takenAt: 7, sizeBytes: bytes.byteLength });
    expect(manifest.engine).toMatch(/^sqlite 3\./);
    expect(manifest.parts).toEqual([
      { name: 'odd "name', rows: 0 },
      { name: "users", rows: 500 },
    ]);
    const checks = ["SELECT count(*) > 0 FROM users", "SELECT 0", "SELECT nonsense FROM users"];
    const proof = await source().prove(stream(bytes), checks, signal);
    expect(compareManifests(manifest, proof.manifest)).toEqual([]);
    expect(proof.checks.map(({ ok }) => ok)).toEqual([true, false, false]);
    expect(await readdir(work())).toEqual([]);
    // Any SQLite opens it.
    const plain = join(folder, "plain.db");
    await writeFile(plain, bytes);
    const opened = new DatabaseSync(plain, { readOnly: true });
    expect(opened.prepare("SELECT count(*) AS n FROM users").get()).toEqual({ n: 500 });
    opened.close();
  });

  it.each([
    ["cut at 60 %", (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.byteLength * 0.6))],
    ["no database", () => Buffer.from("this is a text".repeat(100))],
  ])("cannot be proven when it is %s", async (_what, harm) => {
    const { bytes } = await dumped();
    await expect(source().prove(stream(harm(bytes)), [], signal)).rejects.toMatchObject({
      code: "BACKUP_SOURCE_FAILED",
    });
    expect(await readdir(work())).toEqual([]);
  });

  it("names a file that is not there, and makes none", async () => {
    await expect(source().dump(join(folder, "missing.db"), signal)).rejects.toMatchObject({
      code: "BACKUP_SOURCE_FAILED",
    });
    expect(await readdir(folder)).not.toContain("missing.db");
    expect(await readdir(work())).toEqual([]);
  });
});
