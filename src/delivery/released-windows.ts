import { BoundedCache } from "../lib/bounded-cache.ts";
import type { WeeklyWindow } from "../policy/freeze.ts";
import type { ReleaseId, Scope } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";
import { maintenanceWindows } from "./gate-settings.ts";
import type { Variables } from "./variables.ts";

const cacheLimit = 500;

/** The maintenance windows that running releases were deployed with. A release never changes, so each is read once. */
export class ReleasedWindows {
  readonly #parts: { store: Store; load: Variables["load"] };
  readonly #known = new BoundedCache<ReleaseId, readonly WeeklyWindow[]>(cacheLimit);

  constructor(parts: { store: Store; load: Variables["load"] }) {
    this.#parts = parts;
  }

  of(scope: Scope): readonly WeeklyWindow[] {
    const { store, load } = this.#parts;
    const current = store.scopes.get(scope)?.current;
    if (current === undefined) return [];
    const known = this.#known.get(current);
    if (known) return known;
    const release = store.releases.get(current);
    if (!release) return [];
    const { model } = load(release.bundle, scope.environment, { accepted: true });
    const windows = maintenanceWindows(model, scope.environment);
    this.#known.set(current, windows);
    return windows;
  }
}
