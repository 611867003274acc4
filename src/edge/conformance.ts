import { afterAll, beforeAll, describe, it } from "vitest";
import {
  createWorld,
  type EdgeUnderTest,
  silentBackend,
  startBackend,
  type TestService,
  type World,
} from "./conformance-support.ts";
import { decisionTests } from "./decisions-conformance.ts";
import { httpTests } from "./http-conformance.ts";
import { rolloutTests } from "./rollout-conformance.ts";
import { tlsTests } from "./tls-conformance.ts";

/** A driver may leave tests out only by name and with a reason that the report prints. */
export type EdgeSkip = { reason: string; tests: readonly string[] };

/** One guarantee. Tests share one edge and bring their own configuration; they never rely on an earlier test. */
export type EdgeTest = {
  name: string;
  /** `traffic` needs a driver with sockets. */
  needs?: "traffic" | "restart";
  run(world: World, services: Services): Promise<void>;
};

export type Services = { red: TestService; green: TestService; blue: TestService };

/**
 * What every edge driver must hold. Three real services run on loopback; drivers without sockets (`decide`) run the
 * decision tests only.
 */
export function edgeConformance(
  name: string,
  makeEdge: () => Promise<EdgeUnderTest>,
  options: { traffic: boolean; restart: boolean; skip: readonly EdgeSkip[] },
): void {
  const all: EdgeTest[] = [...decisionTests, ...rolloutTests, ...httpTests, ...tlsTests];
  const reasons = new Map(options.skip.flatMap(({ reason, tests }) => tests.map((test) => [test, reason])));
  for (const test of reasons.keys())
    if (!all.some((known) => known.name === test)) throw new Error(`skip names an unknown test: ${test}`);

  describe(`edge conformance: ${name}`, () => {
    let world: World;
    let services: Services;
    beforeAll(async () => {
      const service = options.traffic ? startBackend : silentBackend;
      services = { red: await service("red"), green: await service("green"), blue: await service("blue") };
      world = await createWorld(await makeEdge());
    });
    afterAll(async () => {
      await world?.close();
      await Promise.all(Object.values(services ?? {}).map((service: TestService) => service.close()));
    });

    for (const test of all) {
      const lacks =
        (test.needs !== undefined && !options.traffic && "the driver has no sockets") ||
        (test.needs === "restart" && !options.restart && "the driver offers no restart");
      const reason = reasons.get(test.name) ?? (lacks || undefined);
      if (reason !== undefined) it.skip(`${test.name} [skipped: ${reason}]`);
      else it(test.name, () => test.run(world, services));
    }
  });
}
