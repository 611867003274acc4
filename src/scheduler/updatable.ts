import type { Scope } from "../rollout/ids.ts";
import type { Service, UpdatePolicy } from "../stack/stack.ts";
import type { PinnedImage, Release, Store } from "../store/port.ts";
import type { SchedulerParts } from "./parts.ts";
import { updateKey } from "./update-book.ts";

/** A service that asks for updates, and what of it runs. */
export type Updatable = {
  key: string;
  scope: Scope;
  service: string;
  policy: UpdatePolicy;
  release: Release;
  running: PinnedImage;
};

/** Resolving is the expensive part, and releases never change. */
const cacheLimit = 500;
/** Withdrawn releases are looked for among so many of the newest. */
const lookBack = 50;

/** The services of all current releases, with their resolved settings kept by release. */
export class CurrentServices {
  readonly #parts: Pick<SchedulerParts, "store" | "resolve">;
  readonly #known = new Map<string, readonly Service[]>();

  constructor(parts: Pick<SchedulerParts, "store" | "resolve">) {
    this.#parts = parts;
  }

  updatable(): Updatable[] {
    return this.#parts.store.scopes.list().flatMap(({ scope, current }) => {
      const release = current === undefined ? undefined : this.#parts.store.releases.get(current);
      if (!release) return [];
      return this.of(release).flatMap(({ name, update }) => {
        const running = release.images[name];
        if (!update || update.channel.kind === "pinned" || !running) return [];
        const key = updateKey(scope, name);
        return [{ key, scope, service: name, policy: update, release, running }];
      });
    });
  }

  of(release: Release): readonly Service[] {
    const known = this.#known.get(release.id);
    if (known) return known;
    const { scope, bundle } = release;
    const services = this.#parts.resolve(bundle, scope.environment, { accepted: true }).stack?.services ?? [];
    const oldest = this.#known.size >= cacheLimit ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(release.id, services);
    return services;
  }
}

/** Images of releases newer than the current one: it was gone back from them, by a failure or by hand. */
export function withdrawnDigests(store: Store, { scope, service, release }: Updatable): string[] {
  return store.releases
    .list(scope, lookBack)
    .filter(({ number }) => number > release.number)
    .flatMap(({ images }) => images[service]?.digest ?? []);
}
