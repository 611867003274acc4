import { canonicalRepository } from "../../stack/image-reference.ts";
import type { ImageAddress, ImageFacts, Registry } from "../port.ts";

/** Registries in memory: images are what a test pushes, failures what it scripts. */
export class MemoryRegistry implements Registry {
  readonly name = "memory";
  /** How often anything was asked. */
  asked = 0;
  readonly #tags = new Map<string, Map<string, string>>();
  readonly #images = new Map<string, ImageFacts>();
  #failure: unknown;

  /** Makes `repository:tag` point at an image. */
  push(repository: string, tag: string, facts: Pick<ImageFacts, "digest"> & Partial<ImageFacts>): void {
    const key = canonicalRepository(repository);
    const tags = this.#tags.get(key) ?? new Map<string, string>();
    this.#tags.set(key, tags.set(tag, facts.digest));
    this.#images.set(`${key}@${facts.digest}`, {
      platforms: ["linux/amd64", "linux/arm64"],
      sizeBytes: 0,
      labels: {},
      ...facts,
    });
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

  #enter(signal: AbortSignal): void {
    signal.throwIfAborted();
    this.asked += 1;
    if (this.#failure !== undefined) throw this.#failure;
  }
}
