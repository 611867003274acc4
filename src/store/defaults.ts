import type { Scope } from "../rollout/ids.ts";
import type { DeploymentState, ScopeState } from "./port.ts";

/** Output lines of the journal are kept for this many deployments of a scope; its other entries for all. */
export const keepOutputOfDeployments = 200;

/** States that still need the reconciler. */
export const unfinishedStates: readonly DeploymentState[] = ["queued", "running", "returning"];

/** A scope that nothing was deployed to yet. */
export function emptyScope(scope: Scope): ScopeState {
  return { scope, warm: [], scale: {}, stopped: [], restarts: {}, routing: {}, addresses: [] };
}

/** Records that a `list` answers without a limit of its own. */
export const defaultRecordLimit = 1000;
