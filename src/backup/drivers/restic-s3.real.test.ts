import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mapLimited } from "../../lib/limit.ts";
import { run } from "../../lib/run.ts";
import { repositoryConformance } from "../conformance.ts";
import type { NewSnapshot, Repository } from "../port.ts";
import { ResticRepository } from "./restic.ts";
import { S3StandIn } from "./s3-stand-in-support.ts";

const version = await run(["restic", "version"], { timeoutMs: 10_000 }).catch(() => undefined);
if (!version && process.env["CI"] === "true") throw new Error("restic is needed: apt install restic");
if (!version) it.skip("repository restic over S3 (skipped: restic is not installed)", () => undefined);

const signal = AbortSignal.timeout(600_000);
const one: NewSnapshot = {
  scope: "shop/production",
  source: "uploads",
  kind: "volume",
  takenAt: Date.UTC(2026, 10, 21, 3),
  labels: [],
};

type Bucket = { server: S3StandIn; address: string; folder: string };

async function openBucket(): Promise<Bucket> {
  const server = new S3StandIn("AKIDEXAMPLE");
  const address = await server.listen();
  return { server, address, folder: await mkdtemp(join(tmpdir(), "roadstead-s3-")) };
}

async function closeBucket({ server, folder }: Bucket): Promise<void> {
  await server.close();
  await rm(folder, { recursive: true, force: true });
}

function repositoryIn(
  { address, folder }: Bucket,
  { password = "correct horse", accessKey = "AKIDEXAMPLE" } = {},
): Repository {
  return new ResticRepository({
    program: "restic",
    location: `s3:${address}/backups/shop`,
    password,
    credentials: { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: "secret-of-the-bucket" },
    cacheFolder: join(folder, `cache-${accessKey}`),
  });
}

async function* content(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text.repeat(1000));
}

async function whole(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of stream) size += chunk.byteLength;
  return size;
}

if (version)
  repositoryConformance("restic over S3", async () => {
    const bucket = await openBucket();
    return {
      repository: repositoryIn(bucket),
      again: (key = "own") => repositoryIn(bucket, key === "own" ? {} : { password: "wrong" }),
      close: () => closeBucket(bucket),
    };
  });

describe.skipIf(!version)("no false green over S3 (R-282)", () => {
  let bucket: Bucket;
  beforeEach(async () => {
    bucket = await openBucket();
  });
  afterEach(() => closeBucket(bucket));

  it("tells wrong credentials, without telling them", async () => {
    await repositoryIn(bucket).open(signal);
    const stop = AbortSignal.timeout(5_000);
    const opened = repositoryIn(bucket, { accessKey: "AKIDSTRANGER" }).open(stop, { mustExist: true });
    const error = await opened.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).not.toContain("secret-of-the-bucket");
  });

  it("goes on over one failed request at each call of a save, and what it stored is whole", async () => {
    const repository = repositoryIn(bucket);
    await repository.open(signal);
    const before = bucket.server.requests.length;
    await repository.save(one, content("counting"), signal);
    const calls = bucket.server.requests.length - before;
    expect(calls).toBeGreaterThan(5);
    bucket.server.once = true;
    for (let call = 1; call <= calls; call += 5) {
      bucket.server.failure = { from: bucket.server.requests.length + call, how: "error" };
      const stored = await repository.save({ ...one, takenAt: one.takenAt + call }, content("again"), signal);
      expect(await whole(repository.read(stored.id, signal))).toBe(5000);
    }
    bucket.server.failure = undefined;
    expect(await repository.check({ readData: true }, signal)).toEqual([]);
  });

  it("shows no snapshot when the store fails for good at a call of a save, whichever it is", async () => {
    const repository = repositoryIn(bucket);
    await repository.open(signal);
    const start = bucket.server.requests.length;
    await repository.save(one, content("counting"), signal);
    const calls = bucket.server.requests.length - start;
    const numbers = Array.from({ length: calls }, (_, at) => at + 1).filter((call) => call % 4 === 1);
    await mapLimited(numbers, 4, async (call) => {
      const own = await openBucket();
      try {
        await repositoryIn(own).open(signal);
        const from = own.server.requests.length + call;
        own.server.failure = { from, how: call % 8 === 1 ? "cut" : "denied" };
        const stop = AbortSignal.any([signal, AbortSignal.timeout(6_000)]);
        const saved = await repositoryIn(own)
          .save(one, content("lost"), stop)
          .catch((error: unknown) => error);
        own.server.failure = undefined;
        const again = repositoryIn(own);
        await again.open(signal);
        const listed = await again.list({}, signal);
        // Said to be stored, and so it is; or not said, and then it may be there only if it is whole.
        if (saved instanceof Error)
          for (const { id } of listed) expect(await whole(again.read(id, signal))).toBe(4000);
        else expect(listed).toHaveLength(1);
        expect([call, saved instanceof Error]).toEqual([call, true]);
        await again.save(one, content("well again"), signal);
      } finally {
        await closeBucket(own);
      }
    });
  }, 240_000);

  it("gives nothing back of an object that was cut short, or is gone", async () => {
    const repository = repositoryIn(bucket);
    await repository.open(signal);
    const pixels = randomBytes(200_000);
    const stored = await repository.save(one, Readable.from([pixels]), signal);
    const [largest] = [...bucket.server.objects]
      .filter(([key]) => key.includes("/data/"))
      .sort(([, a], [, b]) => b.byteLength - a.byteLength);
    if (!largest) throw new Error("nothing was stored");
    const [key, bytes] = largest;
    // Restic tries for minutes to read what is not whole: it must not have given anything back by then.
    const refused = (id: string) =>
      expect(whole(repository.read(id, AbortSignal.timeout(6_000)))).rejects.toThrow();
    bucket.server.objects.set(key, bytes.subarray(0, Math.floor(bytes.byteLength * 0.6)));
    await refused(stored.id);
    bucket.server.objects.delete(key);
    await refused(stored.id);
    bucket.server.objects.set(key, bytes);
    expect(await whole(repository.read(stored.id, signal))).toBe(200_000);
  });
});
