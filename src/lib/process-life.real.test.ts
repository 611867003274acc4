import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { lifeOf, startOf, untilGone } from "./process-life.ts";

it.runIf(process.platform === "linux")("a killed process that nobody has waited for is gone", async () => {
  // The shell becomes a program that never waits for its child.
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const { value } = await createInterface(parent.stdout)[Symbol.asyncIterator]().next();
    const pid = Number(value);
    expect(lifeOf(pid)).toBe("runs");
    const start = startOf(pid);
    process.kill(pid, "SIGKILL");
    expect(lifeOf(pid), "at once").not.toBe("runs");
    expect(await untilGone(pid, 5000)).toBe(true);
    expect(startOf(pid), "still listed").toBe(start);
    expect(() => process.kill(pid, 0), "still a zombie").not.toThrow();
  } finally {
    parent.kill("SIGKILL");
  }
});

it.runIf(process.platform === "linux")("a process that runs is not gone within the limit", async () => {
  expect(await untilGone(process.pid, 50)).toBe(false);
});
