import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../../lib/run.ts";
import { DistributionServer } from "../../../registry/drivers/distribution.ts";
import { HttpRegistry } from "../../../registry/drivers/http.ts";
import { ownLogin } from "../../../registry/own-login.ts";
import { freePort, registryMissing } from "../../../registry/registry-support.ts";
import { rememberedLayers } from "../../../registry/store-conformance.ts";
import { uploadImage } from "../../../registry/upload-image.ts";
import { DockerRuntime } from "../docker.ts";
import { DockerStage, engineProblem, signal } from "./docker-support.ts";

const problem = (await engineProblem()) ?? (process.env["CI"] === "true" ? undefined : registryMissing);
if (problem !== undefined) it.skip(`pushed images (skipped: ${problem})`, () => undefined);

describe.skipIf(problem !== undefined)("an image in our own registry", () => {
  let stage: DockerStage;
  let home: string;
  let server: DistributionServer;
  beforeEach(async () => {
    stage = await DockerStage.open();
    home = await mkdtemp(join(tmpdir(), "roadstead-push-"));
    const address = { host: "127.0.0.1", port: await freePort() };
    server = new DistributionServer({ folder: join(home, "registry"), address, log: () => undefined });
    await server.start(signal);
  });
  afterEach(async () => {
    await server.close();
    await server.end();
    await rm(home, { recursive: true, force: true });
    await stage.close();
  });

  it("comes from the engine's own archive, and the engine pulls it with the password (R-060)", async () => {
    const folder = join(stage.filesDirectory, "context");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "Dockerfile"), "FROM busybox\nRUN echo pushed > /pushed\nEXPOSE 3000\n");
    const build = { scope: stage.scope, service: "web", compose: { build: { context: folder } } };
    const built = await stage.runtime.ensureImage(build, () => undefined, signal);

    const loginOf = (host: string) => ownLogin(home, host);
    const store = new HttpRegistry({ loginOf });
    const repository = `${server.host}/shop/web`;
    const archive = await stage.runtime.exportImage(built, signal);
    const image = await uploadImage({ store, repository, known: rememberedLayers(), signal }, archive);
    const digest = await store.putManifest({ repository, reference: "1.0.0" }, image, signal);

    const reference = `${repository}:1.0.0`;
    const pull = { scope: stage.scope, service: "web", compose: { image: reference } };
    await expect(stage.runtime.ensureImage(pull, () => undefined, signal)).rejects.toMatchObject({
      code: "RUNTIME_IMAGE_UNAVAILABLE",
    });
    const filesDirectory = join(home, "docker");
    const runtime = new DockerRuntime({ filesDirectory, owner: "roadstead-test", loginOf });
    try {
      const pulled = await runtime.ensureImage(pull, () => undefined, signal);
      expect(pulled).toMatchObject({ digest, reference, exposedPorts: [3000] });
    } finally {
      await run(["docker", "image", "rm", reference], { timeoutMs: 60_000 });
      await runtime.close();
    }
  });
});
