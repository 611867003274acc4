import { PlatformError } from "../lib/platform-error.ts";
import { type ReleaseId, type Scope, scopeKey } from "../rollout/ids.ts";
import type { Release, Store } from "../store/port.ts";

/** Older releases are found by their id only. */
const searched = 500;
const named = 10;

/** A release by number (`v3`), id or label (the newest with it). Errors: `ENGINE_RELEASE_UNKNOWN`, naming what there is. */
export function findRelease(store: Store, scope: Scope, reference: string): Release {
  const byId = store.releases.get(reference as ReleaseId);
  if (byId && scopeKey(byId.scope) === scopeKey(scope)) return byId;
  const releases = store.releases.list(scope, searched);
  const number = /^v(\d+)$/.exec(reference)?.[1];
  const found =
    releases.find((release) => release.number === Number(number)) ??
    releases.find((release) => release.label === reference);
  if (found) return found;
  const known = releases
    .slice(0, named)
    .map((release) =>
      release.label === "" ? `v${release.number}` : `v${release.number} (${release.label})`,
    );
  throw new PlatformError("ENGINE_RELEASE_UNKNOWN", `${scopeKey(scope)} has no release ${reference}`, {
    hint: known.length === 0 ? "Nothing was deployed there yet." : `There are: ${known.join(", ")}.`,
  });
}
