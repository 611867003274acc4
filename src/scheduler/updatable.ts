import type { ReleaseId, Scope } from "../rollout/ids.ts";
import type { Service, UpdatePolicy } from "../stack/stack.ts";
import type { PinnedImage, Release, Store } from "../store/port.ts";
import type { SchedulerParts } from "./parts.ts";
import { updateKey } from "./update-book.ts";

/** A service that asks for updates, and what of it runs. Holds no bundle: one is kept for every such service. */
export type Updatable = {
  key: string;
  scope: Scope;
  service: string;
  policy: UpdatePolicy;
  release: Pick<Release, "id" | "number">;
  running: PinnedImage;
};

/** Withdrawn releases are looked for among so many of the newest. */
const lookBack = 50;

/** Those of all current releases. Releases never change, so each is read and resolved once, while it is current. */
export class CurrentServices {
  readonly #parts: Pick<SchedulerParts, "store" | "resolve">;
  #known: ReadonlyMap<ReleaseId, readonly Updatable[]> = new Map();

  constructor(parts: Pick<SchedulerParts, "store" | "resolve">) {
    this.#parts = parts;
  }

  updatable(): Updatable[] {
    const { store, resolve } = this.#parts;
    const current = store.scopes.list().flatMap((state) => state.current ?? []);
    this.#known = new Map(
      current.flatMap((id): [ReleaseId, readonly Updatable[]][] => {
        const known = this.#known.get(id);
        if (known) return [[id, known]];
        const release = store.releases.get(id);
        return release ? [[id, updatableOf(release, resolve)]] : [];
      }),
    );
    return [...this.#known.values()].flat();
  }
}

function updatableOf(release: Release, resolve: SchedulerParts["resolve"]): Updatable[] {
  const { id, number, scope, images } = release;
  return servicesOf(release, resolve).flatMap(({ name, update }) => {
    const image = images[name];
    if (!update || update.channel.kind === "pinned" || !image) return [];
    const running = { reference: image.reference, digest: image.digest };
    const key = updateKey(scope, name);
    return [{ key, scope, service: name, policy: update, release: { id, number }, running }];
  });
}

/** The services of a release with their settings. */
export function servicesOf(
  { bundle, scope }: Release,
  resolve: SchedulerParts["resolve"],
): readonly Service[] {
  return resolve(bundle, scope.environment, { accepted: true }).stack?.services ?? [];
}

/** Images of releases newer than the current one: it was gone back from them, by a failure or by hand. */
export function withdrawnDigests(store: Store, { scope, service, release }: Updatable): string[] {
  return store.releases
    .list(scope, lookBack)
    .filter(({ number }) => number > release.number)
    .flatMap(({ images }) => images[service]?.digest ?? []);
}
