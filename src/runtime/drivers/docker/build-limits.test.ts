import { describe, expect, it } from "vitest";
import { BuildLimits, buildWidth } from "./build-limits.ts";

const signal = new AbortController().signal;

describe("build limits", () => {
  it("builds no more at a time than the host can take, in order (R-058)", async () => {
    const limits = new BuildLimits({ owner: "test", root: "/nonexistent" });
    const order: number[] = [];
    let running = 0;
    let most = 0;
    await Promise.all(
      [1, 2, 3, 4, 5].map((number) =>
        limits.run("none", signal, async () => {
          running += 1;
          most = Math.max(most, running);
          await Promise.resolve();
          order.push(number);
          running -= 1;
        }),
      ),
    );
    expect(most).toBeLessThanOrEqual(buildWidth);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  it("lets the next one build after a failure, and who gives up waiting does not take a turn", async () => {
    const limits = new BuildLimits({ owner: "test", root: "/nonexistent" });
    const gate = Promise.withResolvers<void>();
    const busy = Array.from({ length: buildWidth }, () =>
      limits.run("none", signal, async () => {
        await gate.promise;
        throw new Error("broken");
      }),
    );
    const impatient = new AbortController();
    const given = limits.run("none", impatient.signal, async () => "never");
    const next = limits.run("none", signal, async () => "built");
    impatient.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    gate.resolve();
    for (const one of busy) await expect(one).rejects.toThrow("broken");
    expect(await next).toBe("built");
  });

  it("goes on without a group where none can be made", async () => {
    const limits = new BuildLimits({ owner: "test", root: "/nonexistent" });
    expect(await limits.run("cgroupfs", signal, async (group) => group)).toBeUndefined();
    expect(await limits.run("systemd", signal, async (group) => group)).toBeUndefined();
  });
});
