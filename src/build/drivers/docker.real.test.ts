import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeJobRunner } from "../conformance.ts";
import { environmentArgs, listObjects } from "./docker/engine.ts";
import { DockerJobRunner } from "./docker.ts";

const hasDocker = spawnSync("docker", ["version"]).status === 0;

if (hasDocker || process.env["CI"] === "true")
  describeJobRunner("docker", {
    open: (folder) => new DockerJobRunner({ folder }),
    program: (folder) => [
      process.execPath,
      join(import.meta.dirname, "run-job-support.ts"),
      "docker",
      folder,
    ],
    left: listObjects,
  });
else
  describe("jobs: docker", () => {
    it.skip("needs a Docker engine, which this machine does not have", () => undefined);
  });

describe("variables of a container", () => {
  it("keep secrets out of argv, and out of what steers the CLI (R-074)", () => {
    const { args, env } = environmentArgs({
      TOKEN: "s3cret",
      DOCKER_TOKEN: "t0p",
      PATH: "/x",
      DOCKER_HOST: "y",
    });
    expect(args.join(" ")).toBe("--env PATH=/x --env DOCKER_HOST=y --env TOKEN --env DOCKER_TOKEN");
    expect(env).toEqual({ TOKEN: "s3cret", DOCKER_TOKEN: "t0p" });
  });
});
