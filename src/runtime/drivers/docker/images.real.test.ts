import { mkdir, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../../lib/run.ts";
import type { ImageDigest } from "../../../rollout/ids.ts";
import type { ComposeService } from "../../../stack/compose-model.ts";
import type { ImageRequest, ResolvedImage } from "../../port.ts";
import { DockerStage, docker, engineProblem, signal, until } from "./docker-support.ts";

const problem = await engineProblem();
if (problem !== undefined) it.skip(`docker images (skipped: ${problem})`, () => undefined);

describe.skipIf(problem !== undefined)("images are pinned by what they are, not by their tags", () => {
  let stage: DockerStage;
  let heard: string[];
  beforeEach(async () => {
    stage = await DockerStage.open();
    heard = [];
  });
  afterEach(() => stage.close());

  const ensure = (compose: ComposeService, more: Partial<ImageRequest> = {}): Promise<ResolvedImage> =>
    stage.runtime.ensureImage(
      { scope: stage.scope, service: "app", compose, ...more },
      (line) => heard.push(line),
      signal,
    );

  async function context(dockerfile: string): Promise<string> {
    const folder = join(stage.filesDirectory, "context");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "Dockerfile"), dockerfile);
    return folder;
  }

  it("builds what several services share once, and again when a file changes", async () => {
    const folder = await context("FROM busybox\nCOPY note /note");
    await writeFile(join(folder, "note"), "one");
    const build = { context: folder };
    const [first, second] = await Promise.all([
      ensure({ build }),
      ensure({ build, image: "roadstead-test/b:1" }),
    ]);
    const lines = heard.length;
    expect(second.digest).toBe(first.digest);
    expect(await docker("image", "inspect", "--format", "{{.Id}}", "roadstead-test/b:1")).toBe(first.digest);
    expect((await ensure({ build })).digest).toBe(first.digest);
    expect(heard.length).toBe(lines);
    await writeFile(join(folder, "note"), "two");
    const third = await ensure({ build });
    expect(await docker("run", "--rm", third.digest, "cat", "/note")).toBe("two");
    await docker("image", "rm", "--force", "roadstead-test/b:1");
  });

  it("builds with target, arguments and secrets; secrets stay out of image, log and argv", async () => {
    const folder = await context(
      [
        "FROM busybox AS base",
        "ARG COLOUR",
        "RUN --mount=type=secret,id=token test $(wc -c < /run/secrets/token) = 7 && echo $COLOUR > /colour",
        "EXPOSE 8080 9090/udp",
        "FROM base AS wanted",
        "FROM base",
        "RUN false",
      ].join("\n"),
    );
    const build = {
      context: folder,
      target: "wanted",
      args: { COLOUR: "green" },
      secrets: [{ source: "token" }],
    };
    const image = await ensure({ build }, { buildSecrets: { token: Buffer.from("hunter2") } });
    expect(image).toMatchObject({ exposedPorts: [8080], digest: expect.stringMatching(/^sha256:/) });
    expect(await docker("run", "--rm", image.digest, "cat", "/colour")).toBe("green");
    expect(heard.join("\n")).toMatch(/FROM/);
    expect(heard.join("\n")).not.toContain("hunter2");
    expect(await docker("history", "--no-trunc", image.digest)).not.toContain("hunter2");
    await expect(ensure({ build })).rejects.toMatchObject({ code: "RUNTIME_BUILD_FAILED" });
  });

  it("builds an inline Dockerfile, and says which step failed", async () => {
    const folder = await context("FROM nothing");
    const inline = "FROM busybox\nRUN echo inline > /from\n";
    const image = await ensure({ build: { context: folder, dockerfile_inline: inline } });
    expect(await docker("run", "--rm", image.digest, "cat", "/from")).toBe("inline");
    const broken = { context: folder, dockerfile_inline: "FROM busybox\nRUN exit 7\n" };
    await expect(ensure({ build: broken })).rejects.toMatchObject({
      code: "RUNTIME_BUILD_FAILED",
      message: expect.stringMatching(/exit code: 7/),
    });
  });

  it("a release keeps its image when the tag moves on, and raises when it is gone", async () => {
    await stage.resources({});
    const tag = `${stage.scope.stack}:latest`;
    const inline = (text: string) => ({
      image: tag,
      build: {
        context: stage.filesDirectory,
        dockerfile_inline: `FROM busybox\nRUN echo ${text} > /version\n`,
      },
    });
    const first = await ensure(inline("one"));
    const second = await ensure(inline("two"));
    expect(second.digest).not.toBe(first.digest);
    const again = await ensure(inline("three"), { digest: first.digest });
    expect(again.digest).toBe(first.digest);
    await docker("image", "prune", "--force", "--filter", `label=none-${stage.scope.stack}`);
    const spec = { ...(await stage.spec("app", { command: ["sleep", "600"], init: true })), image: first };
    await stage.runtime.startReplica(spec, signal);
    expect((await stage.inside(spec.id, "cat /version")).out).toBe("one");
    expect(await stage.observe(spec.id)).toMatchObject({ imageDigest: first.digest });
    const gone = `sha256:${"0".repeat(64)}` as ImageDigest;
    const other = {
      ...spec,
      service: "other",
      id: `${spec.id}x` as typeof spec.id,
      image: { ...first, digest: gone },
    };
    await expect(stage.runtime.startReplica(other, signal)).rejects.toMatchObject({
      code: "RUNTIME_IMAGE_UNAVAILABLE",
    });
    await docker("image", "rm", tag);
  });

  it("pulls from a registry by tag, and again by digest when the tag has moved", async () => {
    const port = await freePort();
    const name = `${stage.scope.stack}-registry`;
    await docker("run", "-d", "--rm", "--name", name, "-p", `127.0.0.1:${port}:5000`, "registry:2");
    const reference = `127.0.0.1:${port}/team/app:1`;
    try {
      await until("the registry", async () =>
        fetch(`http://127.0.0.1:${port}/v2/`).then(
          (answer) => answer.ok,
          () => false,
        ),
      );
      await publish(reference, "busybox:latest");
      const first = await ensure({ image: reference });
      expect(heard.join("\n")).toMatch(/Pull complete|Digest: sha256/);
      expect(first.digest).not.toBe(
        await docker("image", "inspect", "--format", "{{.Id}}", "busybox:latest"),
      );
      await dropLocal(reference);
      await publish(reference, "redis:7-alpine");
      const moved = await ensure({ image: reference, pull_policy: "always" });
      expect(moved.digest).not.toBe(first.digest);
      await dropLocal(reference);
      expect((await ensure({ image: reference }, { digest: first.digest })).digest).toBe(first.digest);
      await expect(ensure({ image: `127.0.0.1:${port}/team/none:1` })).rejects.toMatchObject({
        code: "RUNTIME_IMAGE_UNAVAILABLE",
        message: expect.stringMatching(/not found|unknown/i),
      });
      await expect(ensure({ image: `127.0.0.1:${port}/x:1`, pull_policy: "never" })).rejects.toMatchObject({
        code: "RUNTIME_IMAGE_UNAVAILABLE",
      });
    } finally {
      await docker("rm", "-f", name);
      await dropLocal(reference);
    }
  });

  async function publish(reference: string, from: string): Promise<void> {
    await docker("tag", from, reference);
    await docker("push", reference);
    await docker("image", "rm", reference);
  }

  async function dropLocal(reference: string): Promise<void> {
    const repository = reference.slice(0, reference.lastIndexOf(":"));
    const ids = (await docker("image", "ls", "--quiet", "--no-trunc", repository)).split("\n");
    const own = await docker(
      "image",
      "ls",
      "--format",
      "{{.Repository}}:{{.Tag}}",
      `roadstead/${stage.scope.stack}*`,
    );
    const digests = await docker(
      "image",
      "ls",
      "--digests",
      "--format",
      "{{.Repository}}@{{.Digest}}",
      repository,
    );
    const names = [reference, ...own.split("\n"), ...digests.split("\n")].filter((text) => text !== "");
    if (ids[0] === "") return;
    for (const name of names) await run(["docker", "image", "rm", name], { timeoutMs: 60_000 });
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
