import type { Clock } from "../lib/clock.ts";
import { sha256 } from "../lib/hash.ts";
import { imageTag } from "../pipeline/image-tag.ts";
import { RegistryError } from "../registry/errors.ts";
import type { ImageStore, Manifest } from "../registry/port.ts";
import { type UploadedImage, uploadImage } from "../registry/upload-image.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import { canonicalRepository, registryOf } from "../stack/image-reference.ts";
import type { Store } from "../store/port.ts";
import { TagBook, type TagRecord } from "./tag-book.ts";

export type PublishParts = {
  store: Store;
  runtime: Pick<Runtime, "name" | "exportImage">;
  registry: ImageStore;
  clock: Clock;
};

export type PublishRequest = {
  scope: Scope;
  service: string;
  /** As the runtime knows it. */
  image: { digest: string; reference: string };
  repository: string;
  /** Must be free, or have this image already. */
  versions: readonly string[];
  /** Names this build alone: the next free form of it is taken. */
  build?: { ref: string; commit: string };
  /** Moved to this image. */
  aliases: readonly string[];
  by: string;
  reason: string;
};

export type Published = {
  repository: string;
  digest: string;
  versions: readonly string[];
  aliases: readonly string[];
  sizeBytes: number;
  layers: number;
  /** Layers that the registry had already. */
  reused: number;
  sentBytes: number;
};

type Say = (line: string) => void;
const buildTagLimit = 1000;

/**
 * Puts built images into registries. A version tag is put once and never moved; an alias is moved with a history. One
 * push at a time goes to a repository, so that nobody here comes between a look at a tag and its making.
 */
export class Publisher {
  readonly book: TagBook;
  readonly #parts: PublishParts;
  readonly #queues = new Map<string, Promise<unknown>>();
  #closed: Promise<unknown> = Promise.resolve();

  constructor(parts: PublishParts) {
    this.#parts = parts;
    this.book = new TagBook(parts.store);
  }

  /** Undefined where the runtime's images have no layers that could be pushed. */
  async publish(request: PublishRequest, say: Say, signal: AbortSignal): Promise<Published | undefined> {
    if (!this.#parts.runtime.exportImage) return undefined;
    const key = canonicalRepository(request.repository);
    const before = Promise.all([this.#queues.get(key), this.#closed]);
    const mine = before.then(() => this.#push(request, say, signal));
    const settled = mine.catch(() => undefined);
    this.#queues.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(key) === settled) this.#queues.delete(key);
    }
  }

  /** While nothing is pushed from here; what comes meanwhile waits. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = Promise.all([this.#closed, ...this.#queues.values()]).then(work);
    this.#closed = mine.catch(() => undefined);
    return await mine;
  }

  async #push(request: PublishRequest, say: Say, signal: AbortSignal): Promise<Published> {
    signal.throwIfAborted();
    for (const tag of request.versions) await this.#refuseTaken(request, tag, signal);
    const { image, manifest } = await this.#upload(request, signal);
    const { registry } = this.#parts;
    const { repository } = request;
    const { digest } = manifest;
    // Before any name is given: a push that is refused leaves none behind.
    for (const tag of request.versions) {
      const there = await registry.digest({ repository, reference: tag }, signal);
      if (there !== undefined && there !== digest) throw taken(repository, tag, there);
    }
    await registry.putManifest({ repository, reference: digest }, manifest, signal);
    const own = request.build && (await this.#freeTag(request, request.build, digest, signal));
    const versions = [...new Set([...(own === undefined ? [] : [own]), ...request.versions])];
    for (const tag of versions) await this.#fix({ request, image, manifest }, tag, signal);
    const aliases = request.aliases.filter((tag) => !versions.includes(tag));
    for (const tag of aliases) await this.#move({ request, image, manifest }, tag, signal);
    this.book.trimLayers();
    const { sizeBytes, layers, reused, sentBytes } = image;
    say(`pushed ${repository}@${digest} as ${[...versions, ...aliases].join(", ")}`);
    return { repository, digest, versions, aliases, sizeBytes, layers, reused, sentBytes };
  }

  async #upload(
    request: PublishRequest,
    signal: AbortSignal,
  ): Promise<{ image: UploadedImage; manifest: Manifest }> {
    const { runtime, registry, clock } = this.#parts;
    const { repository } = request;
    const host = registryOf(repository);
    const archive = await runtime.exportImage?.(request.image, signal);
    if (!archive) throw new Error("the runtime exports no images");
    const image = await uploadImage(
      {
        store: registry,
        repository,
        signal,
        known: {
          get: (name) => this.book.layer(host, name),
          add: (name, layer) => this.book.addLayer(host, name, { ...layer, at: clock.now() }),
        },
      },
      archive,
    );
    const { mediaType, body } = image;
    return { image, manifest: { mediaType, body, digest: `sha256:${sha256(body)}` } };
  }

  /** Before anything is sent, where it is already certain. */
  async #refuseTaken(request: PublishRequest, tag: string, signal: AbortSignal): Promise<void> {
    const { repository, image } = request;
    const there = await this.#parts.registry.digest({ repository, reference: tag }, signal);
    const known = this.book.get(repository, tag);
    if (there !== undefined && known?.digest === there && known.imageDigest !== image.digest)
      throw taken(repository, tag, there);
  }

  /** The build's own tag: a later build of the same commit gets one of its own. */
  async #freeTag(
    { repository }: PublishRequest,
    { ref, commit }: { ref: string; commit: string },
    digest: string,
    signal: AbortSignal,
  ): Promise<string> {
    for (let number = 1; number <= buildTagLimit; number += 1) {
      const tag = imageTag(number === 1 ? ref : `r${number}-${ref}`, commit);
      const there = await this.#parts.registry.digest({ repository, reference: tag }, signal);
      if (there === undefined || there === digest) return tag;
    }
    throw taken(repository, imageTag(ref, commit), "taken by other images");
  }

  async #fix({ request, image, manifest }: Pushed, tag: string, signal: AbortSignal): Promise<void> {
    const { repository } = request;
    const { registry } = this.#parts;
    const there = await registry.digest({ repository, reference: tag }, signal);
    if (there !== undefined && there !== manifest.digest) throw taken(repository, tag, there);
    if (there === undefined) await registry.putManifest({ repository, reference: tag }, manifest, signal);
    const known = this.book.get(repository, tag);
    if (known?.digest === manifest.digest && known.kind === "version") return;
    this.#keep({ request, image, manifest }, tag, { kind: "version", from: undefined, history: [] });
  }

  async #move({ request, image, manifest }: Pushed, tag: string, signal: AbortSignal): Promise<void> {
    const { repository } = request;
    const { registry } = this.#parts;
    const from = await registry.digest({ repository, reference: tag }, signal);
    if (from !== manifest.digest)
      await registry.putManifest({ repository, reference: tag }, manifest, signal);
    const history = this.book.get(repository, tag)?.history ?? [];
    if (from === manifest.digest && history.at(-1)?.to === from) return;
    this.#keep({ request, image, manifest }, tag, { kind: "alias", from, history });
  }

  #keep(
    { request, image, manifest }: Pushed,
    tag: string,
    { kind, from, history }: Pick<TagRecord, "kind" | "history"> & { from: string | undefined },
  ): void {
    const { repository, scope, service, by, reason } = request;
    const at = this.#parts.clock.now();
    const { digest } = manifest;
    const move = { at, by, reason, ...(from === undefined ? {} : { from }), to: digest };
    this.book.put({
      repository,
      tag,
      kind,
      digest,
      imageDigest: request.image.digest,
      scope,
      service,
      sizeBytes: image.sizeBytes,
      at,
      by,
      history: [...history, move],
    });
  }
}

type Pushed = { request: PublishRequest; image: UploadedImage; manifest: Manifest };

function taken(repository: string, tag: string, digest: string): RegistryError {
  return new RegistryError(
    "REGISTRY_TAG_TAKEN",
    `${repository}:${tag} is ${digest.slice(0, 19)} and can't become another image`,
  );
}
