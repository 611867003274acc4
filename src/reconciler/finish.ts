import type { ReleaseId } from "../rollout/ids.ts";
import type { Deployment, DeploymentFailure, ScopeState } from "../store/port.ts";
import type { Course } from "./deployment-run.ts";
import { Journal } from "./journal.ts";
import { noOverrides } from "./release-book.ts";
import type { Shared } from "./scope-worker.ts";

/** Releases kept warm at the same time, besides the current one: more would fill the host. */
const warmLimit = 3;

export function finishSucceeded(shared: Shared, deployment: Deployment, course: Course): void {
  const { parts } = shared;
  const { store, clock } = parts;
  const now = clock.now();
  store.transaction(() => {
    if (deployment.kind === "down") store.scopes.remove(deployment.scope);
    else {
      store.scopes.update(deployment.scope, (state) => {
        const left = deployment.previous !== state.current ? deployment.previous : undefined;
        const next = { ...state, ...(deployment.after ?? noOverrides) };
        return keepWarm(next, left, deployment.before?.restarts ?? {}, now + windowMs(shared, left));
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
        const left = deployment.release !== state.current ? deployment.release : undefined;
        return keepWarm(
          { ...state, ...(deployment.before ?? noOverrides) },
          left,
          deployment.after?.restarts ?? {},
          now + windowMs(shared, left),
        );
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

function keepWarm(
  state: ScopeState,
  left: ReleaseId | undefined,
  restarts: Readonly<Record<string, number>>,
  until: number,
): ScopeState {
  const others = state.warm.filter((entry) => entry.release !== left && entry.release !== state.current);
  return {
    ...state,
    warm: left ? [{ release: left, until, restarts }, ...others].slice(0, warmLimit) : others,
  };
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
