import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { mostBytes, receiveFile } from "../src/uploads/receive-file.ts";
import { SignedLinks } from "../src/uploads/signed-links.ts";

const root = await mkdtemp(join(tmpdir(), "nickapp-uploads-"));
after(() => rm(root, { recursive: true, force: true }));

const head = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0]);
const wanted = { root, folder: "public/avatars", types: ["image/png"], declared: "image/png" };
const left = async () =>
  (await readdir(root, { recursive: true, withFileTypes: true })).filter((e) => e.isFile());

test("a file lands whole, under a random name, with the ending of what it is (R-313)", async () => {
  const file = await receiveFile(
    Readable.from([head.subarray(0, 5), head.subarray(5), Buffer.alloc(100)]),
    wanted,
  );
  assert.match(file.path, /^public\/avatars\/[\w-]{24}\.png$/);
  assert.equal(file.bytes, 116);
  await rm(join(root, file.path));
});

test("10 MB pass and one byte more does not; what was refused leaves nothing behind (R-313)", async () => {
  const of = (bytes: number) => Readable.from([head, Buffer.alloc(bytes - head.length)]);
  const file = await receiveFile(of(mostBytes), wanted);
  await rm(join(root, file.path));
  await assert.rejects(receiveFile(of(mostBytes + 1), wanted), { status: 413 });
  await assert.rejects(receiveFile(Readable.from([Buffer.from("<svg onload=alert(1)>")]), wanted), {
    status: 415,
  });
  await assert.rejects(receiveFile(Readable.from([head]), { ...wanted, declared: "image/gif" }), {
    status: 415,
  });
  await assert.rejects(receiveFile(Readable.from([head.subarray(0, 4)]), wanted), { status: 415 });
  assert.deepEqual(await left(), []);
});

test("a signed link opens one file for five minutes (R-313)", () => {
  const links = new SignedLinks("secret");
  const url = new URL(links.make("file-1", 1_000), "http://x");
  const until = url.searchParams.get("until") ?? "";
  const signature = url.searchParams.get("signature") ?? "";
  assert.equal(links.isValid("file-1", until, signature, 1_000 + 5 * 60_000), true);
  assert.equal(links.isValid("file-1", until, signature, 1_001 + 5 * 60_000), false);
  assert.equal(links.isValid("file-2", until, signature, 1_000), false);
  assert.equal(links.isValid("file-1", `${Number(until) + 1}`, signature, 1_000), false);
  assert.equal(new SignedLinks("other").isValid("file-1", until, signature, 1_000), false);
});
