import type { Clock } from "../lib/clock.ts";
import { messageOf } from "../lib/platform-error.ts";
import { defaultKeepLast, neededDigests } from "../policy/image-retention.ts";
import { type PushedTag, type RetainedPush, retainPushes } from "../policy/image-tags.ts";
import type { ImageStore } from "../registry/port.ts";
import { scopesOfImages } from "../scheduler/image-keeper.ts";
import { registryOf } from "../stack/image-reference.ts";
import type { Store } from "../store/port.ts";
import { TagBook, type TagRecord } from "./tag-book.ts";

const dayMs = 24 * 3600_000;
const firstMs = 20 * 60_000;
const askLimitMs = 60_000;

export type KeeperParts = {
  store: Store;
  registry: ImageStore;
  clock: Clock;
  log: (level: "info" | "warn" | "error", message: string) => void;
  /** The registry that this installation runs; only it is ever pruned. */
  own?: { host: string; collectGarbage: (signal: AbortSignal) => Promise<void> };
};

/** Keeps our own registry within bounds: only what was pushed from here, and only what nothing needs, ever goes. */
export class RegistryKeeper {
  readonly #parts: KeeperParts;
  readonly #book: TagBook;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#book = new TagBook(parts.store);
  }

  /** Once a day from now on. */
  start(): void {
    if (this.#parts.own) this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
  }

  /** What lies in our own registry of what was pushed from here, and why. */
  list(keepLast = defaultKeepLast): RetainedPush[] {
    const own = this.#own();
    return retainPushes(own.map(asPushed), neededDigests(scopesOfImages(this.#parts), keepLast), keepLast);
  }

  /** Removes what nothing speaks for. Answers what went. */
  async prune(signal: AbortSignal, keepLast = defaultKeepLast): Promise<RetainedPush[]> {
    const { own, log } = this.#parts;
    if (!own) return [];
    const gone: RetainedPush[] = [];
    for (const push of this.list(keepLast)) {
      if (push.keeping !== "removable") continue;
      const limited = AbortSignal.any([signal, AbortSignal.timeout(askLimitMs)]);
      if (await this.#remove(push, keepLast, limited)) gone.push(push);
    }
    if (gone.length === 0) return gone;
    await own.collectGarbage(signal);
    log("info", `removed ${gone.length} images that no release needs from our own registry`);
    return gone;
  }

  async #remove(push: RetainedPush, keepLast: number, signal: AbortSignal): Promise<boolean> {
    const { registry } = this.#parts;
    const { repository, digest } = push;
    // A manifest goes with all its tags: one that somebody else has put on it keeps it.
    for (const tag of await registry.tags(repository, signal)) {
      if (push.tags.includes(tag)) continue;
      if ((await registry.digest({ repository, reference: tag }, signal)) === digest) return false;
    }
    // Looked at once more: a deployment may have begun since.
    const now = this.list(keepLast).find((one) => one.repository === repository && one.digest === digest);
    if (now?.keeping !== "removable") return false;
    await registry.deleteManifest(repository, digest, signal);
    for (const tag of push.tags) this.#book.remove(repository, tag);
    return true;
  }

  #own(): TagRecord[] {
    const { own } = this.#parts;
    return own ? this.#book.list().filter(({ repository }) => registryOf(repository) === own.host) : [];
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    for (let wait = firstMs; !signal.aborted; wait = dayMs) {
      try {
        await clock.sleep(wait, signal);
        await this.prune(signal);
      } catch (error) {
        if (!signal.aborted) log("warn", `our own registry could not be pruned: ${messageOf(error)}`);
      }
    }
  }
}

function asPushed({ repository, tag, kind, digest, imageDigest, at }: TagRecord): PushedTag {
  return { repository, tag, kind, digest, imageDigest, at };
}
