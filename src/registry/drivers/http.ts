import { type Clock, systemClock } from "../../lib/clock.ts";
import { sha256 } from "../../lib/hash.ts";
import { RegistryError } from "../errors.ts";
import {
  type BlobAddress,
  baseOf,
  type ImageAddress,
  type ImageFacts,
  type ImageStore,
  type LoginOf,
  type Manifest,
  type StoredBlob,
} from "../port.ts";
import { isMapping, parseMapping, readLimited, texts } from "./http/answer.ts";
import { RegistryClient } from "./http/client.ts";
import { type Endpoint, endpointOf } from "./http/endpoint.ts";
import { unexpected, uploadBlob } from "./http/upload.ts";

export type HttpRegistryOptions = {
  loginOf: LoginOf;
  /** Hosts that may be asked without TLS, e.g. `registry.lan:5000`; loopback always may. @default none */
  insecure?: readonly string[];
  clock?: Clock;
  /** Tags asked for at once. @default 1000 */
  pageSize?: number;
};

/** An index is asked for first: its digest is what `docker pull` and `RepoDigests` show. */
const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
/** The limits of the distribution registry itself are about the same. */
const maxManifestBytes = 4 * 1024 * 1024;
const maxConfigBytes = 8 * 1024 * 1024;
const maxPageBytes = 4 * 1024 * 1024;
const maxPages = 100;
const digestForm = /^sha256:[0-9a-f]{64}$/;
const referenceForm = /^(?:\w[\w.-]{0,127}|sha256:[0-9a-f]{64})$/;

/** Any registry that speaks the OCI distribution protocol: https://github.com/opencontainers/distribution-spec */
export class HttpRegistry implements ImageStore {
  readonly name = "http";
  readonly #client: RegistryClient;
  readonly #insecure: readonly string[];
  readonly #pageSize: number;

  constructor(options: HttpRegistryOptions) {
    const { loginOf, insecure = [], clock = systemClock } = options;
    this.#insecure = insecure;
    this.#pageSize = options.pageSize ?? 1000;
    this.#client = new RegistryClient({ loginOf, insecure, clock });
  }

  async digest(image: ImageAddress, signal: AbortSignal): Promise<string | undefined> {
    const endpoint = endpointOf(image.repository, this.#insecure);
    const request = {
      method: "HEAD",
      address: manifestAddress(endpoint, image),
      accept: manifestTypes,
    } as const;
    const response = await this.#client.ask(endpoint, request, signal);
    if (response.status === 404) return undefined;
    const digest = response.headers.get("docker-content-digest");
    if (digest !== null && digestForm.test(digest)) return digest;
    // Not every registry says it without being asked for the whole.
    return (await this.#manifest(endpoint, image, signal))?.digest;
  }

  async tags(repository: string, signal: AbortSignal): Promise<string[]> {
    const endpoint = endpointOf(repository, this.#insecure);
    const found = new Set<string>();
    let address: string | undefined = `/v2/${endpoint.path}/tags/list?n=${this.#pageSize}`;
    for (let page = 0; address !== undefined; page += 1) {
      if (page === maxPages)
        throw new RegistryError(
          "REGISTRY_ANSWER_INVALID",
          `${repository} has more than ${maxPages} pages of tags`,
        );
      const response = await this.#client.ask(endpoint, { method: "GET", address }, signal);
      if (response.status === 404) return [];
      const body = parseMapping(
        await readLimited(response, maxPageBytes, endpoint.registry),
        endpoint.registry,
      );
      for (const tag of Array.isArray(body["tags"]) ? body["tags"] : [])
        if (typeof tag === "string" && referenceForm.test(tag)) found.add(tag);
      address = nextPage(response, endpoint, address);
    }
    return [...found];
  }

  async describe(
    image: ImageAddress,
    platform: { os: string; architecture: string },
    signal: AbortSignal,
  ): Promise<ImageFacts | undefined> {
    const endpoint = endpointOf(image.repository, this.#insecure);
    const top = await this.#manifest(endpoint, image, signal);
    if (top === undefined) return undefined;
    const entries = manifestsOf(top.document);
    const chosen =
      entries.find((e) => e.platform === `${platform.os}/${platform.architecture}`) ?? entries[0];
    const one = chosen ? await this.#manifest(endpoint, { ...image, reference: chosen.digest }, signal) : top;
    if (one === undefined) return undefined;
    const config = await this.#config(endpoint, one.document, signal);
    const labels = texts(isMapping(config["config"]) ? config["config"]["Labels"] : undefined);
    const annotations = { ...texts(top.document["annotations"]), ...texts(one.document["annotations"]) };
    const createdAt = Date.parse(String(config["created"] ?? ""));
    const base = baseOf(annotations, labels);
    return {
      digest: top.digest,
      platforms: chosen
        ? entries.flatMap((entry) => (entry.platform === undefined ? [] : [entry.platform]))
        : [`${String(config["os"])}/${String(config["architecture"])}`],
      ...(Number.isNaN(createdAt) ? {} : { createdAt }),
      sizeBytes: layerBytes(one.document),
      labels,
      ...(base === undefined ? {} : { base }),
    };
  }

  async hasBlob({ repository, digest }: BlobAddress, signal: AbortSignal): Promise<boolean> {
    const endpoint = endpointOf(repository, this.#insecure);
    const address = blobAddress(endpoint, digest);
    const response = await this.#client.ask(endpoint, { method: "HEAD", address }, signal);
    return response.status !== 404;
  }

  async mountBlob({ repository, digest }: BlobAddress, from: string, signal: AbortSignal): Promise<boolean> {
    const endpoint = endpointOf(repository, this.#insecure);
    const other = endpointOf(from, this.#insecure);
    if (other.registry !== endpoint.registry) return false;
    const query = new URLSearchParams({ mount: digest, from: other.path });
    const address = `/v2/${endpoint.path}/blobs/uploads/?${query}`;
    const response = await this.#client.ask(endpoint, { method: "POST", address }, signal);
    await response.body?.cancel();
    const session = response.headers.get("location");
    // The registry would rather have it sent: it has opened an upload for that, which nobody will use.
    if (response.status === 202 && session !== null) await this.#cancelUpload(endpoint, session, signal);
    return response.status === 201;
  }

  async putBlob(
    repository: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoredBlob> {
    return await uploadBlob(this.#client, endpointOf(repository, this.#insecure), content, signal);
  }

  async manifest(image: ImageAddress, signal: AbortSignal): Promise<Manifest | undefined> {
    return await this.#manifest(endpointOf(image.repository, this.#insecure), image, signal);
  }

  async putManifest(
    image: ImageAddress,
    { mediaType, body }: Pick<Manifest, "mediaType" | "body">,
    signal: AbortSignal,
  ): Promise<string> {
    const endpoint = endpointOf(image.repository, this.#insecure);
    const digest = `sha256:${sha256(body)}`;
    if (digestForm.test(image.reference) && image.reference !== digest) throw notAsAsked(endpoint);
    const headers = { "content-type": mediaType };
    const address = manifestAddress(endpoint, image);
    const response = await this.#client.ask(endpoint, { method: "PUT", address, body, headers }, signal);
    await response.body?.cancel();
    if (response.status !== 201) throw unexpected(endpoint, response);
    // Said or not: what stands there now must be what was sent.
    const said = response.headers.get("docker-content-digest") ?? (await this.digest(image, signal));
    if (said !== digest) throw notAsAsked(endpoint);
    return digest;
  }

  async deleteManifest(repository: string, digest: string, signal: AbortSignal): Promise<boolean> {
    const endpoint = endpointOf(repository, this.#insecure);
    if (!digestForm.test(digest)) throw notAsAsked(endpoint);
    const address = manifestAddress(endpoint, { repository, reference: digest });
    const response = await this.#client.ask(endpoint, { method: "DELETE", address }, signal);
    await response.body?.cancel();
    return response.status !== 404;
  }

  async #cancelUpload(endpoint: Endpoint, address: string, signal: AbortSignal): Promise<void> {
    // It would end by itself some day: failing to end it now is no failure.
    await this.#client.ask(endpoint, { method: "DELETE", address }, signal).catch(() => undefined);
  }

  async #manifest(
    endpoint: Endpoint,
    image: ImageAddress,
    signal: AbortSignal,
  ): Promise<(Manifest & { document: Record<string, unknown> }) | undefined> {
    const request = {
      method: "GET",
      address: manifestAddress(endpoint, image),
      accept: manifestTypes,
    } as const;
    const response = await this.#client.ask(endpoint, request, signal);
    if (response.status === 404) return undefined;
    const body = await readLimited(response, maxManifestBytes, endpoint.registry);
    const digest = `sha256:${sha256(body)}`;
    if (digestForm.test(image.reference) && image.reference !== digest) throw notAsAsked(endpoint);
    const document = parseMapping(body, endpoint.registry);
    const said = response.headers.get("content-type")?.split(";")[0];
    return { digest, body, document, mediaType: said ?? String(document["mediaType"]) };
  }

  async #config(
    endpoint: Endpoint,
    manifest: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> {
    const digest = isMapping(manifest["config"]) ? manifest["config"]["digest"] : undefined;
    if (typeof digest !== "string" || !digestForm.test(digest))
      throw new RegistryError(
        "REGISTRY_ANSWER_INVALID",
        `${endpoint.registry} has a manifest without an image`,
      );
    const address = blobAddress(endpoint, digest);
    const response = await this.#client.ask(endpoint, { method: "GET", address }, signal);
    const body = await readLimited(response, maxConfigBytes, endpoint.registry);
    if (`sha256:${sha256(body)}` !== digest) throw notAsAsked(endpoint);
    return parseMapping(body, endpoint.registry);
  }
}

function manifestAddress({ path }: Endpoint, { repository, reference }: ImageAddress): string {
  if (!referenceForm.test(reference))
    throw new RegistryError(
      "REGISTRY_ANSWER_INVALID",
      `${repository} can't have a tag ${JSON.stringify(reference)}`,
    );
  return `/v2/${path}/manifests/${reference}`;
}

function blobAddress(endpoint: Endpoint, digest: string): string {
  if (!digestForm.test(digest)) throw notAsAsked(endpoint);
  return `/v2/${endpoint.path}/blobs/${digest}`;
}

/** The images of an index; attestations have the platform `unknown/unknown`. */
function manifestsOf(document: Record<string, unknown>): { digest: string; platform?: string }[] {
  const { manifests } = document;
  if (!Array.isArray(manifests)) return [];
  return manifests.filter(isMapping).flatMap(({ digest, platform }) => {
    if (typeof digest !== "string" || !digestForm.test(digest)) return [];
    if (!isMapping(platform)) return [{ digest }];
    const name = `${String(platform["os"])}/${String(platform["architecture"])}`;
    return name === "unknown/unknown" ? [] : [{ digest, platform: name }];
  });
}

function layerBytes({ layers }: Record<string, unknown>): number {
  const sizes = (Array.isArray(layers) ? layers : []).map((layer: unknown) =>
    isMapping(layer) && typeof layer["size"] === "number" ? layer["size"] : 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** RFC 8288, as the distribution specification uses it: `</v2/web/tags/list?n=100&last=1.2>; rel="next"`. */
function nextPage(response: Response, { root, path }: Endpoint, last: string): string | undefined {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(response.headers.get("link") ?? "")?.[1];
  if (link === undefined) return undefined;
  const url = new URL(link, new URL(last, root));
  if (url.pathname !== `/v2/${path}/tags/list`)
    throw new RegistryError("REGISTRY_ANSWER_INVALID", `${root} continues its list of tags elsewhere`);
  return url.href;
}

function notAsAsked({ registry }: Endpoint): RegistryError {
  return new RegistryError(
    "REGISTRY_ANSWER_INVALID",
    `${registry} answered something else than what was asked for`,
  );
}
