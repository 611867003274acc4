import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "vitest";
import { type Check, type ConformanceOptions, type HostUnderTest, Stage } from "./conformance-support.ts";
import { hostChecks, insideChecks, probeChecks } from "./inside-conformance.ts";
import { imageChecks, startChecks, stopChecks } from "./lifecycle-conformance.ts";
import { endChecks, jobChecks, logChecks } from "./logs-conformance.ts";
import { volumeChecks } from "./volumes-conformance.ts";

export type { ConformanceOptions, HostUnderTest } from "./conformance-support.ts";

/** Every promise of `Runtime`, against a real host. What does not concern a driver is named with the reason. */
export function runtimeConformance(
  name: string,
  make: () => Promise<HostUnderTest>,
  options: ConformanceOptions,
): void {
  describe(`${name} keeps the runtime contract`, () => {
    const titles = new Set<string>();
    let host: HostUnderTest;
    let stage: Stage;
    beforeAll(async () => {
      host = await make();
    });
    beforeEach(() => {
      stage = new Stage(host.runtime, options);
    });
    afterEach(() => stage.clean());
    afterAll(() => host.runtime.close());

    const check: Check = (title, body) => {
      titles.add(title);
      if (!options.notFor?.some(({ tests }) => tests.includes(title))) it(title, () => body(stage, host));
    };
    imageChecks(check, options);
    startChecks(check);
    stopChecks(check);
    logChecks(check);
    endChecks(check);
    jobChecks(check);
    probeChecks(check);
    insideChecks(check);
    hostChecks(check);
    volumeChecks(check);
    for (const title of options.notFor?.flatMap(({ tests }) => tests) ?? [])
      if (!titles.has(title)) throw new Error(`notFor names an unknown test: ${title}`);
  });
}
