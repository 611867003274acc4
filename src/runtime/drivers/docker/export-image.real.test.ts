import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ImageDigest } from "../../../rollout/ids.ts";
import { BuiltinScanner } from "../../../scan/drivers/builtin.ts";
import { DockerStage, engineProblem, signal } from "./docker-support.ts";

const problem = await engineProblem();
if (problem !== undefined) it.skip(`image archives (skipped: ${problem})`, () => undefined);

describe.skipIf(problem !== undefined)("the archive of a real image, as a scanner reads it", () => {
  let stage: DockerStage;
  beforeEach(async () => {
    stage = await DockerStage.open();
  });
  afterEach(() => stage.close());

  it("shows a secret in a layer that a later one has removed, and the size of all layers (R-105, R-045)", async () => {
    const folder = join(stage.filesDirectory, "context");
    await mkdir(folder, { recursive: true });
    const token = `ghp_${"aB3dE5fG7hJ9".repeat(3)}`;
    await writeFile(join(folder, "settings.js"), `\nconst key = "${token}";\n`);
    await writeFile(join(folder, ".env"), "PORT=3000\n");
    const lines = ["FROM busybox", "COPY settings.js .env /app/", "RUN rm /app/settings.js", "ENV PORT=3000"];
    await writeFile(join(folder, "Dockerfile"), `${lines.join("\n")}\n`);
    const compose = { build: { context: folder } };
    const request = { scope: stage.scope, service: "app", compose };
    const image = await stage.runtime.ensureImage(request, () => undefined, signal);
    const archive = await stage.runtime.exportImage(image, signal);
    const report = await new BuiltinScanner().scanImage("app", archive, signal);
    expect(report.findings).toEqual([
      { kind: "secret", rule: "github-token", path: "app/settings.js", line: 2, image: "app" },
      { kind: "file", rule: "env-file", path: "app/.env", image: "app" },
    ]);
    expect(report.bytes).toBeGreaterThan(500_000);
    expect(report.gaps).toEqual([]);
  });

  it("is refused for an image that is not here", async () => {
    const gone = { digest: `sha256:${"0".repeat(64)}` as ImageDigest, reference: "nobody/has-this:1" };
    await expect(stage.runtime.exportImage(gone, signal)).rejects.toMatchObject({
      code: "RUNTIME_IMAGE_UNAVAILABLE",
    });
  });
});
