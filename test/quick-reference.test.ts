import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const scripts = join(import.meta.dirname, "..", "scripts");

/** What the script would have run: `echo` in the place of the program. */
function told(script: string, ...args: string[]): string {
  return execFileSync(join(scripts, script), args, {
    env: { ...process.env, ROADSTEAD: "/bin/echo" },
    encoding: "utf8",
  }).trim();
}

describe("scripts under the runbook's names", () => {
  it.each([
    ["rollback.sh (R-253)", told("rollback.sh", "chat", "v1.5.2"), "rollback chat v1.5.2"],
    ["restore-db.sh (R-254)", told("restore-db.sh", "chat", "2025-11-27"), "restore chat --date 2025-11-27"],
    [
      "restore-db.sh of one service (R-254)",
      told("restore-db.sh", "chat", "2025-11-27", "db", "--yes"),
      "restore chat db --yes --date 2025-11-27",
    ],
    ["health-check-all.sh (R-255)", told("health-check-all.sh", "--json"), "health --all --json"],
  ])("%s", (_name, line, expected) => {
    expect(line).toBe(expected);
  });

  it("say how they are called when something is missing", () => {
    const { status, stderr } = spawnSync(join(scripts, "restore-db.sh"), ["chat"], { encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toContain("STACK DAY [SERVICE]");
  });
});
