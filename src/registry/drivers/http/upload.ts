import { createHash, type Hash } from "node:crypto";
import { RegistryError } from "../../errors.ts";
import type { StoredBlob } from "../../port.ts";
import type { RegistryClient } from "./client.ts";
import type { Endpoint } from "./endpoint.ts";

/** Some registries refuse smaller pieces, save the last; a larger one would only cost memory. */
export const pieceBytes = 5 * 1024 * 1024;

/**
 * One blob in one upload session: pieces of a fixed size, each with its place, then the digest of all of them.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks
 */
export async function uploadBlob(
  client: RegistryClient,
  endpoint: Endpoint,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<StoredBlob> {
  const upload = new Upload(client, endpoint, signal);
  for await (const piece of pieces(content)) await upload.add(piece);
  return await upload.finish();
}

class Upload {
  readonly #client: RegistryClient;
  readonly #endpoint: Endpoint;
  readonly #signal: AbortSignal;
  readonly #hash: Hash = createHash("sha256");
  #size = 0;
  #address: string | undefined;
  /** Kept back: a blob of one piece is sent with its digest at once. */
  #last: Buffer = Buffer.alloc(0);

  constructor(client: RegistryClient, endpoint: Endpoint, signal: AbortSignal) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#signal = signal;
  }

  async add(piece: Buffer): Promise<void> {
    if (this.#last.length > 0) await this.#send(this.#last);
    this.#last = piece;
    this.#hash.update(piece);
  }

  async finish(): Promise<StoredBlob> {
    const digest = `sha256:${this.#hash.digest("hex")}`;
    const url = new URL(await this.#session(), this.#endpoint.root);
    url.searchParams.set("digest", digest);
    const body = this.#last;
    const headers = {
      "content-type": "application/octet-stream",
      ...(this.#size === 0 ? {} : this.#range(body)),
    };
    const request = { method: "PUT", address: url.href, body, headers } as const;
    await this.#answered(request, [201]);
    return { digest, size: this.#size + body.length };
  }

  async #send(body: Buffer): Promise<void> {
    const headers = { "content-type": "application/octet-stream", ...this.#range(body) };
    const request = { method: "PATCH", address: await this.#session(), body, headers } as const;
    const response = await this.#answered(request, [202]);
    this.#address = this.#locationOf(response);
    this.#size += body.length;
  }

  #range(body: Buffer): Record<string, string> {
    return body.length === 0 ? {} : { "content-range": `${this.#size}-${this.#size + body.length - 1}` };
  }

  async #session(): Promise<string> {
    if (this.#address !== undefined) return this.#address;
    const address = `/v2/${this.#endpoint.path}/blobs/uploads/`;
    const response = await this.#answered({ method: "POST", address }, [202]);
    this.#address = this.#locationOf(response);
    return this.#address;
  }

  async #answered(request: Parameters<RegistryClient["ask"]>[1], wanted: readonly number[]) {
    const response = await this.#client.ask(this.#endpoint, request, this.#signal);
    await response.body?.cancel();
    if (wanted.includes(response.status)) return response;
    throw unexpected(this.#endpoint, response);
  }

  #locationOf(response: Response): string {
    const location = response.headers.get("location");
    if (location === null || !URL.canParse(location, this.#endpoint.root))
      throw new RegistryError(
        "REGISTRY_ANSWER_INVALID",
        `${this.#endpoint.registry} says not where to upload`,
      );
    return new URL(location, this.#endpoint.root).href;
  }
}

/** An answer that the protocol does not know there. */
export function unexpected({ registry }: Endpoint, response: Response): RegistryError {
  return new RegistryError("REGISTRY_ANSWER_INVALID", `${registry} answered ${response.status} to an upload`);
}

/** The content in pieces of `pieceBytes`; only the last may be shorter. */
async function* pieces(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    let rest = chunk;
    while (size + rest.length >= pieceBytes) {
      const room = pieceBytes - size;
      held.push(rest.subarray(0, room));
      yield Buffer.concat(held);
      held = [];
      size = 0;
      rest = rest.subarray(room);
    }
    if (rest.length > 0) {
      // Whoever yields may use its buffer again.
      held.push(Buffer.from(rest));
      size += rest.length;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}
