import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DockerStage, engineProblem, signal } from "./docker-support.ts";

const problem = await engineProblem();
if (problem !== undefined) it.skip(`docker long lines (skipped: ${problem})`, () => undefined);

describe.skipIf(problem !== undefined)("a line longer than the engine keeps in one piece", () => {
  let stage: DockerStage;
  beforeEach(async () => {
    stage = await DockerStage.open();
    await stage.resources({});
  });
  afterEach(() => stage.close());

  it("is one line again, without the engine's stamps in it (R-107)", async () => {
    const script = "head -c 40000 /dev/zero | tr '\\0' a; echo; echo end";
    const { id } = await stage.start("wordy", { restart: "no", command: ["sh", "-c", script] });
    const query = { scope: stage.scope, replica: id, follow: true, untilEnd: true };
    const texts: string[] = [];
    for await (const line of stage.runtime.logs(query, signal)) texts.push(line.text);
    expect(texts.map((text) => text.length)).toEqual([40_000, 3]);
    expect(texts[0]).toMatch(/^a+$/);
  });
});
