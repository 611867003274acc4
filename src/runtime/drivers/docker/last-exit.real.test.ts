import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DockerStage, engineProblem, until } from "./docker-support.ts";

const problem = await engineProblem();
if (problem !== undefined) it.skip(`docker last exit (skipped: ${problem})`, () => undefined);

describe.skipIf(problem !== undefined)("a container that the engine has started again", () => {
  let stage: DockerStage;
  beforeEach(async () => {
    stage = await DockerStage.open();
    await stage.resources({});
  });
  afterEach(() => stage.close());

  it("still tells with which code its life before ended (R-084)", async () => {
    const script = "test -e /seen || { touch /seen; exit 3; }; exec sleep 600";
    const { id } = await stage.start("stumbling", { restart: "always", command: ["sh", "-c", script] });
    const second = await until("its second life", async () => {
      const replica = await stage.observe(id);
      return replica?.state === "running" && replica.restarts === 1 ? replica : undefined;
    });
    expect(second.exitCode).toBe(3);
  });
});
