import { sha256 } from "../../lib/hash.ts";
import { canonicalRepository } from "../../stack/image-reference.ts";
import { RegistryError } from "../errors.ts";
import type { BlobAddress, ImageAddress, ImageFacts, ImageStore, Manifest, StoredBlob } from "../port.ts";

/** Registries in memory: images are what a test pushes, failures what it scripts. */
export class MemoryRegistry implements ImageStore {
  readonly name = "memory";
  /** How often anything was asked. */
  asked = 0;
  readonly #tags = new Map<string, Map<string, string>>();
  readonly #images = new Map<string, ImageFacts>();
  /** By repository and digest: sizes of blobs. */
  readonly #blobs = new Map<string, number>();
  readonly #manifests = new Map<string, Manifest>();
  #failure: unknown;

  /** Makes `repository:tag` point at an image. */
  push(repository: string, tag: string, facts: Pick<ImageFacts, "digest"> & Partial<ImageFacts>): void {
    const key = canonicalRepository(repository);
    const tags = this.#tags.get(key) ?? new Map<string, string>();
    this.#tags.set(key, tags.set(tag, facts.digest));
    this.#keep(key, facts);
  }

  /** Every call throws this until it is taken back with `undefined`. */
  fail(error: unknown): void {
    this.#failure = error;
  }

  async digest({ repository, reference }: ImageAddress, signal: AbortSignal): Promise<string | undefined> {
    this.#enter(signal);
    const key = canonicalRepository(repository);
    return this.#tags.get(key)?.get(reference) ?? this.#images.get(`${key}@${reference}`)?.digest;
  }

  async tags(repository: string, signal: AbortSignal): Promise<string[]> {
    this.#enter(signal);
    return [...(this.#tags.get(canonicalRepository(repository))?.keys() ?? [])];
  }

  async describe(
    image: ImageAddress,
    _platform: { os: string; architecture: string },
    signal: AbortSignal,
  ): Promise<ImageFacts | undefined> {
    const digest = await this.digest(image, signal);
    return this.#images.get(`${canonicalRepository(image.repository)}@${digest}`);
  }

  async hasBlob({ repository, digest }: BlobAddress, signal: AbortSignal): Promise<boolean> {
    this.#enter(signal);
    return this.#blobs.has(`${canonicalRepository(repository)}@${digest}`);
  }

  async mountBlob({ repository, digest }: BlobAddress, from: string, signal: AbortSignal): Promise<boolean> {
    this.#enter(signal);
    const size = this.#blobs.get(`${canonicalRepository(from)}@${digest}`);
    if (size !== undefined) this.#blobs.set(`${canonicalRepository(repository)}@${digest}`, size);
    return size !== undefined;
  }

  async putBlob(
    repository: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoredBlob> {
    this.#enter(signal);
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const digest = `sha256:${sha256(body)}`;
    this.#blobs.set(`${canonicalRepository(repository)}@${digest}`, body.length);
    return { digest, size: body.length };
  }

  async manifest(image: ImageAddress, signal: AbortSignal): Promise<Manifest | undefined> {
    const digest = await this.digest(image, signal);
    return this.#manifests.get(`${canonicalRepository(image.repository)}@${digest}`);
  }

  async putManifest(
    { repository, reference }: ImageAddress,
    { mediaType, body }: Pick<Manifest, "mediaType" | "body">,
    signal: AbortSignal,
  ): Promise<string> {
    this.#enter(signal);
    const digest = `sha256:${sha256(body)}`;
    if (reference.startsWith("sha256:") && reference !== digest)
      throw new RegistryError("REGISTRY_ANSWER_INVALID", "the manifest has another digest");
    this.#manifests.set(`${canonicalRepository(repository)}@${digest}`, { digest, mediaType, body });
    if (reference === digest) this.#keep(canonicalRepository(repository), { digest });
    else this.push(repository, reference, { digest });
    return digest;
  }

  async deleteManifest(repository: string, digest: string, signal: AbortSignal): Promise<boolean> {
    this.#enter(signal);
    const key = canonicalRepository(repository);
    const tags = this.#tags.get(key) ?? new Map<string, string>();
    for (const [tag, target] of tags) if (target === digest) tags.delete(tag);
    this.#manifests.delete(`${key}@${digest}`);
    return this.#images.delete(`${key}@${digest}`);
  }

  #keep(key: string, facts: Pick<ImageFacts, "digest"> & Partial<ImageFacts>): void {
    this.#images.set(`${key}@${facts.digest}`, {
      platforms: ["linux/amd64", "linux/arm64"],
      sizeBytes: 0,
      labels: {},
      ...facts,
    });
  }

  #enter(signal: AbortSignal): void {
    signal.throwIfAborted();
    this.asked += 1;
    if (this.#failure !== undefined) throw this.#failure;
  }
}
