import { dirname, join } from "node:path";
import type { JobRunner } from "../src/build/port.ts";
import type { DeliveryParts } from "../src/delivery/parts.ts";
import { messageOf } from "../src/lib/platform-error.ts";

/** Jobs run where replicas do. What an earlier control plane has left of them goes at once. */
export async function makeJobRunner(
  runtime: string,
  home: string,
  log: DeliveryParts["log"],
): Promise<JobRunner> {
  const jobs = await loadJobRunner(runtime, join(home, "jobs"));
  jobs.removeLeftovers().catch((error: unknown) => {
    log("warn", `what earlier jobs have left could not be removed: ${messageOf(error)}`);
  });
  return jobs;
}

async function loadJobRunner(runtime: string, folder: string): Promise<JobRunner> {
  if (runtime === "docker") {
    const { DockerJobRunner } = await import("../src/build/drivers/docker.ts");
    return new DockerJobRunner({ folder });
  }
  const { ProcessJobRunner } = await import("../src/build/drivers/process.ts");
  return new ProcessJobRunner({ folder, programs: [dirname(process.execPath)] });
}
