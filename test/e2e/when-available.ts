import { spawnSync } from "node:child_process";
import { describe, it } from "vitest";
import type { PlatformOptions } from "./platform.ts";

/** On a machine without Docker or HAProxy the suites are reported as skipped with the reason; in CI that is a failure. */
export function whenAvailable(options: PlatformOptions, suites: () => void): void {
  const missing = [
    ...(options.runtime === "docker" && spawnSync("docker", ["version"]).status !== 0
      ? ["a Docker engine"]
      : []),
    ...(options.edge === "haproxy" && spawnSync("haproxy", ["-v"]).status !== 0 ? ["HAProxy"] : []),
  ];
  if (missing.length === 0) {
    suites();
    return;
  }
  describe(`${options.runtime} + ${options.edge}`, () => {
    it.skip(`needs ${missing.join(" and ")}, which this machine does not have`, () => undefined);
  });
}
