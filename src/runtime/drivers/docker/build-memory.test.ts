import { describe, expect, it } from "vitest";
import { BuildMemory } from "./build-memory.ts";

const there = async () => true;

function builder(results: readonly (string | Error)[]) {
  let count = 0;
  const make = async () => {
    const result = results[count++];
    if (result === undefined || result instanceof Error) throw result ?? new Error("built too often");
    return result;
  };
  return { make, count: () => count };
}

describe("build memory", () => {
  it("builds once for all that ask for the same at the same time and afterwards", async () => {
    const memory = new BuildMemory();
    const { make, count } = builder(["sha256:a"]);
    const both = await Promise.all([memory.build("k", make, there), memory.build("k", make, there)]);
    expect([...both, await memory.build("k", make, there)]).toEqual(["sha256:a", "sha256:a", "sha256:a"]);
    expect(count()).toBe(1);
  });

  it("builds another key apart", async () => {
    const memory = new BuildMemory();
    const { make } = builder(["sha256:a", "sha256:b"]);
    expect(await memory.build("k", make, there)).toBe("sha256:a");
    expect(await memory.build("other", make, there)).toBe("sha256:b");
  });

  it("builds anew when asked to, and keeps to that afterwards (R-053)", async () => {
    const memory = new BuildMemory();
    const { make } = builder(["sha256:a", "sha256:b"]);
    await memory.build("k", make, there);
    expect(await memory.renew("k", make)).toBe("sha256:b");
    expect(await memory.build("k", make, there)).toBe("sha256:b");
  });

  it("builds again when the image was removed", async () => {
    const memory = new BuildMemory();
    const { make } = builder(["sha256:a", "sha256:b"]);
    await memory.build("k", make, there);
    expect(await memory.build("k", make, async () => false)).toBe("sha256:b");
  });

  it("lets the next one try after a failure, once for all who wait", async () => {
    const memory = new BuildMemory();
    const { make, count } = builder([new Error("no space"), "sha256:a"]);
    const asked = [1, 2, 3].map(() => memory.build("k", make, there));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(count()).toBe(2);
  });
});
