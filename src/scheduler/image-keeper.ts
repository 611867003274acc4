import { messageOf } from "../lib/platform-error.ts";
import {
  defaultKeepLast,
  type RetainedImage,
  retainImages,
  type ScopeOfImages,
} from "../policy/image-retention.ts";
import type { HeldImage, ImageOnHost } from "../runtime/port.ts";
import type { SchedulerParts } from "./parts.ts";

const dayMs = 24 * 3600_000;
/** Not at once: a host that has just started has better things to do. */
const firstMs = 10 * 60_000;
/** Older releases than this have no name on any host. */
const releaseLimit = 1000;
const dropLimitMs = 60_000;

export type KeptImage = RetainedImage<ImageOnHost>;

/** Keeps this host's images of releases within bounds; foreign ones are never looked at. */
export class ImageKeeper {
  readonly #parts: Pick<SchedulerParts, "store" | "runtime" | "clock" | "log">;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(parts: Pick<SchedulerParts, "store" | "runtime" | "clock" | "log">) {
    this.#parts = parts;
  }

  /** Once a day from now on. */
  start(): void {
    if (this.#parts.runtime.heldImages) this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
  }

  /** What is on this host and why. */
  async list(signal: AbortSignal, keepLast = defaultKeepLast): Promise<KeptImage[]> {
    const { runtime } = this.#parts;
    const scopes = scopesOfImages(this.#parts);
    const present = (await runtime.heldImages?.(imagesOf(scopes), signal)) ?? [];
    return retainImages(present, scopes, keepLast);
  }

  /** Removes what nothing speaks for. Answers what went. */
  async prune(signal: AbortSignal, keepLast = defaultKeepLast): Promise<KeptImage[]> {
    const { runtime, log } = this.#parts;
    const gone: KeptImage[] = [];
    for (const image of await this.list(signal, keepLast)) {
      if (image.keeping !== "removable" || this.#isNeeded(image, keepLast)) continue;
      const limited = AbortSignal.any([signal, AbortSignal.timeout(dropLimitMs)]);
      if (await runtime.dropImage?.(image, limited)) gone.push(image);
    }
    if (gone.length > 0) log("info", `pruned ${gone.length} images that no release needs`);
    return gone;
  }

  /** Looked at once more just before: a rollback may have begun since, or a deploy whose images no release names yet. */
  #isNeeded(image: ImageOnHost, keepLast: number): boolean {
    const { deployments } = this.#parts.store;
    if (deployments.unfinished("all").some(({ scope }) => scope.stack === image.stack)) return true;
    const [now] = retainImages([image], scopesOfImages(this.#parts), keepLast);
    return now?.keeping !== "removable";
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    for (let wait = firstMs; !signal.aborted; wait = dayMs) {
      try {
        await clock.sleep(wait, signal);
        await this.prune(signal);
      } catch (error) {
        if (!signal.aborted) log("warn", `images could not be pruned: ${messageOf(error)}`);
      }
    }
  }
}

/** All stacks with what could still need an image of theirs. */
export function scopesOfImages({ store, clock }: Pick<SchedulerParts, "store" | "clock">): ScopeOfImages[] {
  return store.scopes.list().map(({ scope, current, warm }) => {
    const underWay = store.deployments.unfinished(scope);
    const stillWarm = warm.filter(({ until }) => until > clock.now()).map(({ release }) => release);
    const wanted = underWay.flatMap(({ release, previous }) => [release ?? [], previous ?? []].flat());
    return {
      stack: scope.stack,
      releases: store.releases.list(scope, releaseLimit),
      current,
      warm: [...stillWarm, ...wanted],
    };
  });
}

/** Each image once: several releases and environments share theirs. */
function imagesOf(scopes: readonly ScopeOfImages[]): HeldImage[] {
  const known = new Map<string, HeldImage>();
  for (const { stack, releases } of scopes)
    for (const { images } of releases)
      for (const [service, { digest, reference }] of Object.entries(images))
        known.set(`${stack} ${service} ${digest}`, {
          stack,
          service,
          digest: digest as HeldImage["digest"],
          reference,
        });
  return [...known.values()];
}
