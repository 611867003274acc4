import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HeldImage } from "../../port.ts";
import { DockerStage, docker, engineProblem, signal } from "./docker-support.ts";

const problem = await engineProblem();
if (problem !== undefined) it.skip(`docker images (skipped: ${problem})`, () => undefined);

describe.skipIf(problem !== undefined)("images of releases on a host (R-060)", () => {
  let stage: DockerStage;
  const foreign = `roadstead-test/foreign-${process.pid}:1`;
  beforeEach(async () => {
    stage = await DockerStage.open();
  });
  afterEach(async () => {
    await docker("image", "rm", "--force", foreign).catch(() => undefined);
    await stage.close();
  });

  async function built(note: string): Promise<HeldImage> {
    const context = join(stage.filesDirectory, "context");
    await mkdir(context, { recursive: true });
    await writeFile(join(context, "Dockerfile"), `FROM busybox\nLABEL note=${note}-${process.pid}\n`);
    const request = { scope: stage.scope, service: "app", compose: { build: { context } } };
    const { digest, reference } = await stage.runtime.ensureImage(request, () => undefined, signal);
    return { stack: stage.scope.stack, service: "app", digest, reference };
  }

  const isThere = (id: string) =>
    docker("image", "inspect", "--format", "{{.Id}}", id).then(
      () => true,
      () => false,
    );

  it("lists those that bear our own name, and drops one without touching the others", async () => {
    const [one, two] = [await built("one"), await built("two")];
    const absent = { ...one, digest: `sha256:${"0".repeat(64)}` as HeldImage["digest"] };
    const held = await stage.runtime.heldImages([one, two, absent], signal);
    expect(held.map(({ digest, inUse }) => [digest, inUse])).toEqual([
      [one.digest, false],
      [two.digest, false],
    ]);
    expect(held[0]?.sizeBytes).toBeGreaterThan(100_000);
    expect(await stage.runtime.dropImage(one, signal)).toBe(true);
    expect(await stage.runtime.dropImage(one, signal), "twice is as good").toBe(true);
    expect([await isThere(one.digest), await isThere(two.digest)]).toEqual([false, true]);
    expect(await isThere("busybox"), "the base is nobody's to remove").toBe(true);
    await stage.runtime.dropImage(two, signal);
  });

  it("leaves an image that somebody else has named", async () => {
    const one = await built("named");
    await docker("tag", one.digest, foreign);
    expect(await stage.runtime.dropImage(one, signal)).toBe(true);
    expect(await stage.runtime.heldImages([one], signal)).toEqual([]);
    expect(await isThere(foreign)).toBe(true);
  });

  it("leaves what a container uses, a stopped and foreign one included", async () => {
    const one = await built("used");
    const container = `roadstead-test-holds-${process.pid}`;
    await docker("create", "--name", container, one.digest, "true");
    try {
      expect(await stage.runtime.heldImages([one], signal)).toMatchObject([{ inUse: true }]);
      expect(await stage.runtime.dropImage(one, signal)).toBe(false);
      expect(await stage.runtime.heldImages([one], signal)).toHaveLength(1);
    } finally {
      await docker("rm", "--force", container);
    }
    await stage.runtime.dropImage(one, signal);
  });
});
