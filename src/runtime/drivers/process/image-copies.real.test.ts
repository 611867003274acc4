import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ImageDigest } from "../../../rollout/ids.ts";
import { signal } from "../../conformance-support.ts";
import { ProcessRuntime } from "../process.ts";

const scope = { stack: "shop", environment: "test" };
let folder = "";
let runtimes: ProcessRuntime[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "roadstead-copies-"));
});
afterEach(async () => {
  for (const runtime of runtimes.splice(0)) await runtime.close();
  await rm(folder, { recursive: true, force: true });
});

function runtimeOf(name: string): ProcessRuntime {
  const runtime = new ProcessRuntime({ home: join(folder, name) });
  runtimes = [...runtimes, runtime];
  return runtime;
}

it("carries a built image to a host that has never seen its source, under the same digest (R-216)", async () => {
  const context = join(folder, "context");
  await mkdir(context);
  await writeFile(join(context, "main.js"), "console.log('hello')\n");
  await writeFile(join(context, "Dockerfile"), 'FROM node:24-alpine\nCOPY . .\nCMD ["node", "main.js"]\n');
  const [one, other] = [runtimeOf("one"), runtimeOf("other")];
  const request = { scope, service: "web", compose: { build: { context } } };
  const { digest, reference } = await one.ensureImage(request, () => undefined, signal);
  const image = { stack: "shop", service: "web", digest, reference };
  await rm(context, { recursive: true });
  expect(await other.imageCopies.has(image)).toBe(false);
  await expect(other.ensureImage({ ...request, digest }, () => undefined, signal)).rejects.toThrow();

  await other.imageCopies.take(image, one.imageCopies.give(image, signal), signal);

  expect(await other.imageCopies.has(image)).toBe(true);
  const found = await other.ensureImage({ ...request, digest }, () => undefined, signal);
  expect(found.digest).toBe(digest);
  const root = join(folder, "other", "process", "images", digest.replace("sha256:", ""), "root");
  expect(await readFile(join(root, "main.js"), "utf8")).toContain("hello");
});

it("refuses a copy that breaks off, and leaves nothing behind (R-216)", async () => {
  const runtime = runtimeOf("one");
  const image = {
    stack: "shop",
    service: "web",
    digest: `sha256:${"a".repeat(64)}` as ImageDigest,
    reference: "x",
  };
  async function* torn() {
    yield Buffer.alloc(10_240, 7);
    throw new Error("the line is dead");
  }
  await expect(runtime.imageCopies.take(image, torn(), signal)).rejects.toThrow("the line is dead");
  expect(await runtime.imageCopies.has(image)).toBe(false);
});
