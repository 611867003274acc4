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

/** Where the port leaves drivers a choice: what this one does. Every test runs and asserts just that. */
export type EdgePromises = {
  /** A drain's deadline ends WebSockets with close frame 1001; otherwise the TCP connection closes (1006). */
  closeFrame: boolean;
  /**
   * How often a target that closes its idle connections all the time costs a request: never, or at most one GET of a
   * thousand, answered 502 or by closing the client's connection at once (RFC 9112, 9.3.1), and never left hanging.
   */
  idleCloseRace: "none" | "rare";
};

/** One guarantee. Tests share one edge and bring their own configuration; they never rely on an earlier test. */
export type EdgeTest = {
  name: string;
  /** `traffic`: for drivers with sockets; `restart`: and for those whose process the suite can end. */
  needs?: "traffic" | "restart";
  run(world: World, services: Services, promises: EdgePromises): Promise<void>;
};

export type Services = { red: TestService; green: TestService; blue: TestService };

/**
 * What every edge driver must hold. Three real services run on loopback; drivers without sockets (`decide`) have the
 * decision tests only.
 */
export function edgeConformance(
  name: string,
  makeEdge: () => Promise<EdgeUnderTest>,
  options: { traffic: boolean; restart: boolean; promises: EdgePromises },
): void {
  const all: EdgeTest[] = [...decisionTests, ...rolloutTests, ...httpTests, ...tlsTests];
  const concerns = ({ needs }: EdgeTest) =>
    needs === undefined || (options.traffic && (needs === "traffic" || options.restart));

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

    for (const test of all.filter(concerns)) it(test.name, () => test.run(world, services, options.promises));
  });
}
