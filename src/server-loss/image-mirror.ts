import type { Repository, StoredSnapshot } from "../backup/port.ts";
import { messageOf } from "../lib/platform-error.ts";
import { defaultKeepLast, neededDigests } from "../policy/image-retention.ts";
import { type ReleaseId, scopeKey } from "../rollout/ids.ts";
import type { HeldImage, Runtime } from "../runtime/port.ts";
import type { Store } from "../store/port.ts";
import { labelOf, platformScope } from "./epochs.ts";

const releasesLooked = 200;

/** An image that a release needs. */
export type NeededImage = HeldImage & { scope: string; release: ReleaseId; number: number };

export type MissingCopy = Pick<NeededImage, "scope" | "number" | "service" | "reference" | "digest"> & {
  why: string;
};

/** Puts the images of releases where a lost host does not take them along. */
export class ImageMirror {
  readonly #store: Store;
  readonly #runtime: Runtime;

  constructor(store: Store, runtime: Runtime) {
    this.#store = store;
    this.#runtime = runtime;
  }

  /** Copies what is missing, and removes what no release needs any more. Answers what has no copy, and why. */
  async mirror(
    repository: Repository,
    options: { now: number; installation: string },
    signal: AbortSignal,
  ): Promise<MissingCopy[]> {
    const needed = this.needed();
    const held = await imagesIn(repository, signal);
    const failed = new Map<string, string>();
    for (const image of needed) {
      if (held.has(image.digest) || failed.has(image.digest)) continue;
      try {
        held.set(image.digest, await this.#copy(repository, image, options, signal));
      } catch (error) {
        signal.throwIfAborted();
        failed.set(image.digest, messageOf(error));
      }
    }
    const wanted = new Set<string>(needed.map(({ digest }) => digest));
    const old = [...held].filter(
      ([digest, copy]) => !wanted.has(digest) && labelOf(copy, "installation") === options.installation,
    );
    if (old.length > 0)
      await repository.forget(
        old.map(([, { id }]) => id),
        signal,
      );
    return missingOf(needed, new Set(held.keys()), failed);
  }

  /** What a lost host would take along. */
  async missing(repository: Repository, signal: AbortSignal): Promise<MissingCopy[]> {
    return missingOf(this.needed(), new Set((await imagesIn(repository, signal)).keys()), new Map());
  }

  /** Images of current, warm and the last releases, each once for every service that has it. */
  needed(): NeededImage[] {
    const { scopes, releases } = this.#store;
    return scopes.list().flatMap((state) => {
      const known = releases.list(state.scope, releasesLooked);
      const warm = state.warm.map(({ release }) => release);
      const { stack } = state.scope;
      const kept = neededDigests([{ stack, releases: known, current: state.current, warm }], defaultKeepLast);
      return known.flatMap(({ id, number, images }) =>
        Object.entries(images)
          .filter(([, { digest }]) => (kept.get(digest) ?? "removable") !== "removable")
          .map(([service, { digest, reference }]) => ({
            ...{ stack, service, digest, reference, number },
            scope: scopeKey(state.scope),
            release: id,
          })),
      );
    });
  }

  async #copy(
    repository: Repository,
    image: NeededImage,
    { now, installation }: { now: number; installation: string },
    signal: AbortSignal,
  ): Promise<StoredSnapshot> {
    const copies = this.#runtime.imageCopies;
    if (!copies) throw new Error(`the runtime ${this.#runtime.name} gives no images away`);
    if (!(await copies.has(image, signal))) throw new Error("the image is not on this host any more");
    const labels = [`runtime=${this.#runtime.name}`, `installation=${installation}`];
    const about = { scope: platformScope, source: sourceOf(image.digest), kind: "image" as const };
    return await repository.save({ ...about, takenAt: now, labels }, copies.give(image, signal), signal);
  }
}

/** Digest -> its copy. */
export async function imagesIn(
  repository: Repository,
  signal: AbortSignal,
): Promise<Map<string, StoredSnapshot>> {
  const found = await repository.list({ scope: platformScope, kind: "image" }, signal);
  return new Map(found.map((copy) => [copy.source.replace(/^image:/, ""), copy]));
}

function sourceOf(digest: string): string {
  return `image:${digest}`;
}

function missingOf(
  needed: readonly NeededImage[],
  held: ReadonlySet<string>,
  failed: ReadonlyMap<string, string>,
): MissingCopy[] {
  return needed
    .filter(({ digest }) => !held.has(digest))
    .map(({ scope, number, service, reference, digest }) => ({
      ...{ scope, number, service, reference, digest },
      why: failed.get(digest) ?? "no copy was made yet",
    }));
}
