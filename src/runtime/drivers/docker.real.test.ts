import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { run } from "../../lib/run.ts";
import { runtimeConformance } from "../conformance.ts";
import { engineProblem, engineSocket, untag } from "./docker/docker-support.ts";
import { DockerRuntime } from "./docker.ts";

const problem = await engineProblem();
const programs = join(import.meta.dirname, "../../../test/fixtures/programs");
const image = "roadstead-test-programs:latest";

describe.skipIf(problem !== undefined)("docker", async () => {
  const filesDirectory = await mkdtemp(join(tmpdir(), "roadstead-docker-"));
  afterAll(async () => {
    await untag("conf");
    await rm(filesDirectory, { recursive: true, force: true });
  });
  const make = () => new DockerRuntime({ filesDirectory, owner: "roadstead-test", socketPath: engineSocket });

  runtimeConformance(
    "docker",
    async () => {
      const built = await run(["docker", "build", "--quiet", "--tag", image, programs], {
        timeoutMs: 120_000,
      });
      if (built.exitCode !== 0) throw new Error(built.stderr);
      return { runtime: make(), reopen: async () => make() };
    },
    {
      // No restart by the engine: the suite looks at programs that end.
      program: (args) => ({ image, command: ["node", "echo.mjs", ...args], restart: "no" }),
      missing: { image: "127.0.0.1:1/nobody/nothing:1" },
    },
  );
});

if (problem !== undefined) it.skip(`the docker driver (skipped: ${problem})`, () => undefined);
