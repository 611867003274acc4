import { derivePipeline } from "../pipeline/derive-pipeline.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { checkoutFiles } from "./checkout-files.ts";
import { DeliveryError } from "./errors.ts";
import type { RunWorld } from "./phase.ts";

/** The pipeline of a commit: what its stack file says, else what its packages have scripts for. */
export async function choosePipeline(world: RunWorld): Promise<{ pipeline?: Pipeline; notes: string[] }> {
  const { pipeline, problems } = derivePipeline(checkoutFiles(await world.folder()));
  const errors = problems.filter((problem) => problem.severity === "error");
  if (errors.length > 0)
    throw new DeliveryError("DELIVERY_JOB_FAILED", "the repository can't be checked as it is", {
      lastLines: errors.map((problem) => `${problem.file ?? ""}: ${problem.message}`),
    });
  return { pipeline, notes: problems.map((problem) => `warning: ${problem.file ?? ""}: ${problem.message}`) };
}
