import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { readTar, type TarEntry } from "../lib/read-tar.ts";
import { RegistryError } from "./errors.ts";
import type { ImageStore, StoredBlob } from "./port.ts";

/** Documents of an archive that are kept until its end. */
const maxDocumentBytes = 8 * 1024 * 1024;
const maxDocuments = 64;
const configType = "application/vnd.oci.image.config.v1+json";
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar";

/** What earlier pushes have found out: a layer by its name in archives, as it lies in a repository. */
export type KnownLayers = {
  get(name: string): (StoredBlob & { repository: string }) | undefined;
  add(name: string, layer: StoredBlob & { repository: string }): void;
};

export type UploadedImage = {
  mediaType: string;
  body: Uint8Array;
  /** Compressed, of all layers. */
  sizeBytes: number;
  layers: number;
  /** Of those, already there. */
  reused: number;
  sentBytes: number;
};

type Upload = {
  store: ImageStore;
  repository: string;
  known: KnownLayers;
  signal: AbortSignal;
};
type Layer = StoredBlob & { mediaType: string; reused: boolean };

/**
 * Puts all blobs of an image archive (the form of `docker save`) into a repository, read once from its first byte to
 * its last: layers are compressed and sent as they come, those that are there already are passed over. Answers the
 * manifest, which stands under no name yet.
 */
export async function uploadImage(
  upload: Upload,
  archive: AsyncIterable<Uint8Array>,
): Promise<UploadedImage> {
  const layers = new Map<string, Layer>();
  const documents = new Map<string, Buffer>();
  for await (const entry of readTar(archive, broken)) {
    if (entry.type !== "file" || entry.size === 0) continue;
    const { first, content } = await peek(entry);
    if (isDocument(entry, first)) {
      if (documents.size === maxDocuments) throw broken("it holds too many documents");
      documents.set(entry.path, await whole(entry, content));
    } else if (/^blobs\/|\/layer\.tar$/.test(entry.path))
      layers.set(entry.path, await putLayer(upload, { name: entry.path, first, content }));
  }
  const { config, paths } = describeArchive(documents);
  const used = paths.map((path) => layers.get(path) ?? missing(path));
  const stored = await putConfig(upload, config);
  const sum = (list: readonly Layer[]) => list.reduce((total, { size }) => total + size, 0);
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, ...stored },
    layers: used.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  });
  return {
    mediaType: manifestType,
    body: Buffer.from(body),
    sizeBytes: sum(used),
    layers: used.length,
    reused: used.filter(({ reused }) => reused).length,
    sentBytes: sum([...new Set(used)].filter(({ reused }) => !reused)),
  };
}

type LayerEntry = { name: string; first: Buffer; content: AsyncIterable<Uint8Array> };

async function putLayer(upload: Upload, { name, first, content }: LayerEntry): Promise<Layer> {
  const { store, repository, known, signal } = upload;
  const compression = compressionOf(first);
  const mediaType = `${layerType}+${compression ?? "gzip"}`;
  // Only names that are made of the content say the same thing twice.
  const named = /^blobs\/sha256\/[0-9a-f]{64}$/.test(name) ? name : undefined;
  const earlier = named === undefined ? undefined : known.get(named);
  if (earlier !== undefined && (await isThere(upload, earlier)))
    return { digest: earlier.digest, size: earlier.size, mediaType, reused: true };
  const stored =
    compression === undefined
      ? await pipeline(content, createGzip(), (packed: AsyncIterable<Uint8Array>) =>
          store.putBlob(repository, packed, signal),
        )
      : await store.putBlob(repository, content, signal);
  if (named !== undefined) known.add(named, { ...stored, repository });
  return { ...stored, mediaType, reused: false };
}

async function isThere(
  { store, repository, signal }: Upload,
  { digest, repository: from }: StoredBlob & { repository: string },
): Promise<boolean> {
  if (await store.hasBlob({ repository, digest }, signal)) return true;
  return from !== repository && (await store.mountBlob({ repository, digest }, from, signal));
}

async function putConfig({ store, repository, signal }: Upload, config: Buffer): Promise<StoredBlob> {
  return await store.putBlob(
    repository,
    (async function* () {
      yield config;
    })(),
    signal,
  );
}

/** `manifest.json` of the archive names the configuration and the layers in their order. */
function describeArchive(documents: ReadonlyMap<string, Buffer>): { config: Buffer; paths: string[] } {
  const text = documents.get("manifest.json")?.toString("utf8");
  const list = text === undefined ? undefined : parseList(text);
  const [image] = Array.isArray(list) && list.length === 1 ? (list as unknown[]) : [];
  if (typeof image !== "object" || image === null || !("Config" in image) || !("Layers" in image))
    throw broken("it does not describe one image");
  const config = documents.get(String(image.Config));
  if (config === undefined || !Array.isArray(image.Layers))
    throw broken("the image's configuration is not in it");
  return { config, paths: image.Layers.map(String) };
}

function parseList(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw broken("its description is not JSON");
  }
}

/** The first bytes of an entry, and all of it from the start. */
async function peek(entry: TarEntry): Promise<{ first: Buffer; content: AsyncIterable<Uint8Array> }> {
  const rest = entry.content[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let size = 0;
  while (size < 512) {
    const next = await rest.next();
    if (next.done) break;
    held.push(Buffer.from(next.value));
    size += next.value.length;
  }
  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* held;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  }
  return { first: Buffer.concat(held), content: content() };
}

/** A layer is an archive, packed or not; everything else that begins like JSON is a document. */
function isDocument({ path, size }: TarEntry, first: Buffer): boolean {
  if (path === "manifest.json") return true;
  const isTar = first.toString("latin1", 257, 262) === "ustar";
  return !isTar && /^[{[]/.test(first.toString("latin1", 0, 1)) && size <= maxDocumentBytes;
}

async function whole({ path, size }: TarEntry, content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (size > maxDocumentBytes) throw broken(`${path} is too large`);
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function compressionOf(first: Buffer): "gzip" | "zstd" | undefined {
  const magic = first.toString("hex", 0, 4);
  if (magic.startsWith("1f8b")) return "gzip";
  return magic === "28b52ffd" ? "zstd" : undefined;
}

function missing(path: string): never {
  throw broken(`the layer ${path} is not in it`);
}

function broken(why: string): RegistryError {
  return new RegistryError("REGISTRY_ARCHIVE_INVALID", `the image archive can't be pushed: ${why}`);
}
