/**
 * Images in OCI registries, as far as updates need them: what a tag points at now, which tags there are, what an image
 * says about itself. Pulling is the runtime's. Every call ends with the signal, and by itself after a time
 * limit. What does not exist is an answer, not an error; failures are `RegistryError`s with the codes of `errors.ts`.
 */
export interface Registry {
  readonly name: string;
  /** The digest that a tag (or digest) names now; `undefined` when the registry does not have it. */
  digest(image: ImageAddress, signal: AbortSignal): Promise<string | undefined>;
  /** All tags of a repository, in no particular order; none for a repository that does not exist. */
  tags(repository: string, signal: AbortSignal): Promise<string[]>;
  /** What the image says about itself, for the given platform where it has several. */
  describe(
    image: ImageAddress,
    platform: { os: string; architecture: string },
    signal: AbortSignal,
  ): Promise<ImageFacts | undefined>;
}

/**
 * A registry that also takes images. Blobs and manifests are checked against their digests on both sides; no content is
 * ever held whole, save manifests.
 */
export interface ImageStore extends Registry {
  hasBlob(blob: BlobAddress, signal: AbortSignal): Promise<boolean>;
  /** Takes a blob over from another repository of the same registry; false when the registry would not. */
  mountBlob(blob: BlobAddress, from: string, signal: AbortSignal): Promise<boolean>;
  /** Streams a blob in pieces and answers what it was. */
  putBlob(repository: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredBlob>;
  /** The manifest or index itself, as its digest was made of it. */
  manifest(image: ImageAddress, signal: AbortSignal): Promise<Manifest | undefined>;
  /** Puts it under a tag or its digest; answers its digest. A tag that exists is moved: whether it may is not asked here. */
  putManifest(
    image: ImageAddress,
    manifest: Pick<Manifest, "mediaType" | "body">,
    signal: AbortSignal,
  ): Promise<string>;
  /** Removes a manifest with all its tags; false when there was none. */
  deleteManifest(repository: string, digest: string, signal: AbortSignal): Promise<boolean>;
}

export type BlobAddress = { repository: string; digest: string };
export type StoredBlob = { digest: string; size: number };
export type Manifest = { digest: string; mediaType: string; body: Uint8Array };

/** `repository` with its registry as people write it (`ghcr.io/acme/web`, `postgres`); `reference` is a tag or digest. */
export type ImageAddress = { repository: string; reference: string };

export type ImageFacts = {
  /** Of what the reference names: an index, where the image has several platforms. */
  digest: string;
  /** `os/architecture` of each image below it. */
  platforms: readonly string[];
  /** Epoch ms, as the image claims. */
  createdAt?: number;
  /** Compressed, of all layers. */
  sizeBytes: number;
  labels: Readonly<Record<string, string>>;
  /** What it was built on, where its annotations or labels say so. */
  base?: { name: string; digest?: string };
};

/** A name with a password, or a token that stands for both. */
export type RegistryLogin = { username: string; password: string } | { identityToken: string };

/** The login of a registry host, if there is one. */
export type LoginOf = (registry: string, signal: AbortSignal) => Promise<RegistryLogin | undefined>;

/** Standard annotations: https://github.com/opencontainers/image-spec/blob/main/annotations.md */
const baseName = "org.opencontainers.image.base.name";
const baseDigest = "org.opencontainers.image.base.digest";

/** The base image that annotations and labels name; annotations count first. */
export function baseOf(
  annotations: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): ImageFacts["base"] {
  const name = annotations[baseName] ?? labels[baseName];
  const digest = annotations[baseDigest] ?? labels[baseDigest];
  if (name === undefined) return undefined;
  return { name, ...(digest === undefined ? {} : { digest }) };
}
