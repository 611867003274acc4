import { badReleaseSuite } from "./bad-release-suite.ts";
import { crashSuite } from "./crash-suite.ts";
import { deploySuite } from "./deploy-suite.ts";
import { whenAvailable } from "./when-available.ts";

const options = { runtime: "docker", edge: "haproxy" } as const;

whenAvailable(options, () => {
  deploySuite(options);
  badReleaseSuite(options);
  crashSuite(options);
});
