import { dirname, join } from "node:path";
import { DockerJobRunner } from "../src/build/drivers/docker.ts";
import { ProcessJobRunner } from "../src/build/drivers/process.ts";
import type { JobRunner } from "../src/build/port.ts";
import type { DeliveryParts } from "../src/delivery/parts.ts";
import { messageOf } from "../src/lib/platform-error.ts";

/** Jobs run where replicas do. What an earlier control plane has left of them goes at once. */
export function makeJobRunner(runtime: string, home: string, log: DeliveryParts["log"]): JobRunner {
  const folder = join(home, "jobs");
  const jobs =
    runtime === "docker"
      ? new DockerJobRunner({ folder })
      : new ProcessJobRunner({ folder, programs: [dirname(process.execPath)] });
  jobs.removeLeftovers().catch((error: unknown) => {
    log("warn", `what earlier jobs have left could not be removed: ${messageOf(error)}`);
  });
  return jobs;
}
