import type { ReleaseId } from "../rollout/ids.ts";
import type { Deployment, DeploymentFailure, ScopeState, WarmRelease } from "../store/port.ts";
import type { Course } from "./deployment-run.ts";
import { Journal } from "./journal.ts";
import { noOverrides } from "./release-book.ts";
import type { Shared } from "./scope-worker.ts";

export function finishSucceeded(shared: Shared, deployment: Deployment, course: Course): void {
  const { parts } = shared;
  const { store, clock } = parts;
  const now = clock.now();
  store.transaction(() => {
    if (deployment.kind === "down") store.scopes.remove(deployment.scope);
    else {
      store.scopes.update(deployment.scope, (state) => {
        const release = deployment.previous !== state.current ? deployment.previous : undefined;
        const next = { ...state, ...(deployment.after ?? noOverrides) };
        const restarts = deployment.before?.restarts ?? {};
        return keepWarm(next, release && { release, until: now + windowMs(shared, release), restarts });
      });
    }
    store.deployments.update(deployment.id, { state: "succeeded", finishedAt: now });
    new Journal(parts, deployment.id).state("succeeded", successText(deployment, course));
  });
}

/** The old release serves; the withdrawn one stays to be looked at for as long as a rollback window lasts. */
export function finishFailed(
  shared: Shared,
  deployment: Deployment,
  outcome?: string,
  latest?: DeploymentFailure,
): void {
  const { parts, book } = shared;
  const { store, clock } = parts;
  const now = clock.now();
  const failure = deployment.failure ??
    latest ?? { code: "ENGINE_UNEXPECTED", message: "failed for an unknown reason" };
  const serving = deployment.previous
    ? `release v${book.release(deployment.previous).number} serves`
    : "nothing of this stack serves";
  const aborted = failure.code === "ENGINE_ABORTED";
  store.transaction(() => {
    if (store.scopes.get(deployment.scope)) {
      store.scopes.update(deployment.scope, (state) => {
        const release = deployment.release !== state.current ? deployment.release : undefined;
        const next = { ...state, ...(deployment.before ?? noOverrides) };
        const restarts = deployment.after?.restarts ?? {};
        const until = now + windowMs(shared, release);
        return keepWarm(next, release && { release, until, restarts, withdrawn: true });
      });
    }
    store.deployments.update(deployment.id, {
      state: aborted ? "aborted" : "failed",
      finishedAt: now,
      failure: { ...failure, outcome: outcome ?? serving },
    });
    new Journal(parts, deployment.id).state(
      aborted ? "aborted" : "failed",
      `${failure.message}; ${outcome ?? serving}`,
    );
  });
}

/** One release to go back to and one to look at: more of them running would fill the host. */
function keepWarm(state: ScopeState, left: WarmRelease | undefined): ScopeState {
  const others = state.warm.filter(
    (entry) =>
      entry.release !== left?.release &&
      entry.release !== state.current &&
      entry.withdrawn !== left?.withdrawn,
  );
  const same = left ? [] : state.warm.filter((entry) => entry.release !== state.current);
  return { ...state, warm: left ? [left, ...others] : same };
}

/** A stack goes back as a whole, so the longest window of its services counts. */
function windowMs(shared: Shared, release: ReleaseId | undefined): number {
  if (release === undefined) return 0;
  const seconds = shared.book.stack(release).services.map((service) => service.keepWarmSeconds);
  return Math.max(0, ...seconds) * 1000;
}

function successText(deployment: Deployment, course: Course): string {
  const services = course.target.services.length;
  return deployment.kind === "down"
    ? "removed"
    : `${deployment.kind} of ${services} ${services === 1 ? "service" : "services"} done`;
}
