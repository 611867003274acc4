import { beginDeployment, deploymentFailure, watchDeployment } from "../deployment.ts";
import { waitForOpening } from "../freeze.ts";
import type { Phase } from "../phase.ts";

/** Hands the release to the engine and watches it to its end. */
export const deployPhase: Phase = {
  name: "deploy",
  async run(world) {
    const { run, parts, book, progress, save, gathered } = world;
    if (run.checksOnly) return { kind: "skipped", detail: "checks only" };
    const begun = book.get(run.id)?.deployment;
    const closed = begun === undefined ? await waitForOpening(world, run.scope) : undefined;
    if (closed) return closed;
    const staged = book.get(run.id)?.staged;
    const id =
      begun ??
      beginDeployment(
        world,
        { ...(await gathered()), scope: run.scope, ...(staged ? { images: staged.images } : {}) },
        (made) =>
          // In one transaction with the deployment: after a crash there is never a second one for the same run.
          world.update({ deployment: made }),
      );
    const seen = typeof progress === "number" ? progress : 0;
    const deployment = await watchDeployment(world, id, { seen, save });
    if (deployment.state === "succeeded") {
      const release = deployment.release && parts.store.releases.get(deployment.release);
      return { kind: "done", detail: release ? `v${release.number} serves` : "deployed" };
    }
    throw deploymentFailure(deployment, "DELIVERY_DEPLOYMENT_FAILED");
  },
};
